pushes_max=50
commits_max=2048

: "${repository:=$(basename "$PWD" .git)}"
by=${GL_USERNAME:-${GL_USER:-${REMOTE_USER:-}}}

is_none() {
    case $1 in
    *[!0]*) return 1 ;;
    esac
}

# What was pushed, a line each: where the ref stood, where it stands now, its name.
pushed=$(cat)

# What a new branch has not brought, in git's words: what is on branches that this push did not move, and what was on those that it
# did. None of these words holds a space or a star.
known=
while read -r old new ref; do
    case $ref in
    refs/heads/*)
        known="$known --exclude=${ref#refs/heads/}"
        is_none "$old" || known="$known $old"
        ;;
    esac
done <<END
$pushed
END
known="$known --branches"

# Asks git "$@" about what came to the branch. What came to it from another is told again, for those who hear of this one only: a room
# shows no commit twice.
of_new_commits() {
    if is_none "$old"; then
        # shellcheck disable=SC2086
        git "$@" "$new" --not $known
    else
        git "$@" "$new" "^$old"
    fi
}

describe() {
    printf 'repository %s\nref %s\nbefore %s\nafter %s\nby %s\n' "$repository" "$ref" "$old" "$new" "$by"
    [ -z "$commit_url" ] || printf 'commit-url %s\n' "$commit_url"
    is_none "$new" || printf 'head %s\n' "$(git rev-parse --quiet --verify "$new^{commit}")"
    case $ref in
    refs/heads/*)
        is_none "$new" || is_none "$old" || [ -z "$(git rev-list -n 1 "$new..$old")" ] || echo 'forced yes'
        is_none "$new" || printf 'total %s\n' "$(of_new_commits rev-list --count)"
        echo
        is_none "$new" || of_new_commits log -z --reverse -n "$commits_max" --encoding=UTF-8 --no-color \
            --no-show-signature --no-decorate --format='%H%n%an%n%at%n%B'
        ;;
    *) echo ;;
    esac
}

told=0
while read -r old new ref; do
    case $ref in
    refs/heads/* | refs/tags/*) ;;
    *) continue ;;
    esac
    told=$((told + 1))
    [ "$told" -le "$pushes_max" ] || {
        say "only the first $pushes_max branches and tags were told"
        break
    }
    describe >"$body"
    send git || {
        say "the push is done, but it could not be told"
        break
    }
done <<END
$pushed
END
exit 0

pushes_max=50
commits_max=2048

: "${repository:=$(basename "$PWD" .git)}"
by=${GL_USERNAME:-${GL_USER:-${REMOTE_USER:-}}}

is_none() {
    case $1 in
    *[!0]*) return 1 ;;
    esac
}

# Asks git "$@" about what is at the new place of the ref, and was neither at its old one nor on another branch.
of_new_commits() {
    {
        echo "$new"
        is_none "$old" || echo "^$old"
        git for-each-ref --format='^%(objectname)' refs/heads | grep -Fxv "^$new"
    } | git "$@" --stdin
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
done
exit 0

repos=$1
revision=$2
paths_max=100

: "${repository:=$(basename "$repos")}"

look() {
    what=$1
    shift
    svnlook "$what" -r "$revision" "$repos" "$@"
}

{
    printf 'repository %s\nrevision %s\n' "$repository" "$revision"
    printf 'author %s\n' "$(look author | head -n 1)"
    printf 'date %s\n' "$(svnlook propget --revprop -r "$revision" "$repos" svn:date)"
    [ -z "$commit_url" ] || printf 'commit-url %s\n' "$commit_url"
    look changed | head -n "$paths_max" | sed 's/^/changed /'
    echo
    look log
} >"$body"

# Subversion shows what is said here only with an exit code that is not 0; the revision stands either way.
send svn || {
    say "the revision is in, but it could not be told"
    exit 1
}

repos=$1
revision=$2
paths_max=100

: "${repository:=$(basename "$repos")}"

look() {
    what=$1
    shift
    svnlook "$what" -r "$revision" "$repos" "$@"
}

# The revision that a copied folder, as a tag is one, was last changed in before it was copied: `head 12`.
head_of_copy() {
    from=$(look changed --copy-info | sed -n 's/^    (from \(.*\):r\([0-9][0-9]*\))$/\2 \1/p' | head -n 1)
    [ -z "$from" ] || svnlook history -l 1 -r "${from%% *}" "$repos" "${from#* }" | sed -n 's/^ *\([0-9][0-9]*\) .*/head \1/p'
}

{
    printf 'repository %s\nrevision %s\n' "$repository" "$revision"
    printf 'author %s\n' "$(look author | head -n 1)"
    printf 'date %s\n' "$(svnlook propget --revprop -r "$revision" "$repos" svn:date)"
    [ -z "$commit_url" ] || printf 'commit-url %s\n' "$commit_url"
    head_of_copy
    look changed | head -n "$paths_max" | sed 's/^/changed /'
    echo
    look log
} >"$body"

# Subversion shows what is said here only with an exit code that is not 0; the revision stands either way.
send svn || {
    say "the revision is in, but it could not be told"
    exit 1
}

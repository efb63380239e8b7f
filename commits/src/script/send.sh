set -u
umask 077
PATH=${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin
LC_ALL=C.UTF-8
export PATH LC_ALL

say() { printf 'watchfire: %s\n' "$*" >&2; }

for tool in curl openssl od; do
    command -v "$tool" >/dev/null || {
        say "nothing was told: $tool is not installed"
        exit 1
    }
done
body=$(mktemp) || exit 1
trap 'rm -f "$body"' EXIT
trap 'exit 1' HUP INT TERM

# Neither the secret nor the address stands on a command line, where everybody on this machine would see it. So the
# signature, an HMAC (RFC 2104), is made of two hashes: `openssl dgst -hmac` wants the secret on its command line.
hash() { openssl dgst -sha256 -binary; }

# The secret as it is; behind whsec_ it is base 64.
key() {
    case $secret in
    whsec_*) printf %s "${secret#whsec_}" | openssl base64 -d -A ;;
    *) printf %s "$secret" ;;
    esac
}
secret=$(cat "$secret_file" 2>/dev/null) || secret=
[ -n "$secret" ] || {
    say 'nothing was told: there is no secret to sign with'
    exit 1
}
# As numbers; one that is longer than 64 bytes is hashed first.
key_bytes=$(key | od -An -v -tu1)
[ "$(key | wc -c)" -le 64 ] || key_bytes=$(key | hash | od -An -v -tu1)

# The key filled up to 64 bytes, each of them exclusive-or $1.
padded() {
    left=64
    for byte in $key_bytes; do
        printf "\\$(printf %03o $((byte ^ $1)))"
        left=$((left - 1))
    done
    while [ "$left" -gt 0 ]; do
        printf "\\$(printf %03o "$1")"
        left=$((left - 1))
    done
}

# Sends what is in $body, as told by a hook of $1.
send() {
    id=$(openssl rand -hex 16)
    at=$(date +%s)
    signature=$({
        padded 92
        {
            padded 54
            printf '%s.%s.' "$id" "$at"
            cat "$body"
        } | hash
    } | hash | openssl base64 -A)
    curl -q --config - --data-binary "@$body" <<END
url = "$url"
header = "content-type: text/plain; charset=utf-8"
header = "x-watchfire-hook: $1"
header = "webhook-id: $id"
header = "webhook-timestamp: $at"
header = "webhook-signature: v1,$signature"
output = "/dev/null"
silent
show-error
globoff
fail
max-time = 10
retry = 2
retry-max-time = 10
END
}

#!/bin/bash
# Three Debian hosts become the cluster of samples/three.json: converged, converged again, checked, used, one killed, upgraded.
# cluster.sh FILE.deb
set -eu
REPOSITORY=$(cd "$(dirname "$0")/../.." && pwd)
HERE=$REPOSITORY/chef/test
. "$HERE/hosts.sh"
STAND_IN=${WATCHFIRE_TEST_MONGOD:-$(ls -d "${XDG_CACHE_HOME:-$HOME/.cache}"/watchfire/secantus-mdb-*/bin/secantusd-rs 2>/dev/null | tail -1)}
[ -x "$STAND_IN" ] || { say "there is no MongoDB for tests: bin/need test"; exit 1; }
HOSTS="a b c"
declare -A ADDRESS=([a]=10.77.0.11 [b]=10.77.0.12 [c]=10.77.0.13)
fail() { say "FAILED: $*"; exit 1; }

# The sample, with this package and the MongoDB of tests.
node_json() {
    node -e '
        const sample = JSON.parse(require("fs").readFileSync(process.argv[1]));
        sample.watchfire.package = { source: "file:///root/watchfire.deb", sha256: process.argv[2] };
        sample.watchfire.public_url = "https://10.77.0.11";
        sample.watchfire.settings = { "visitor-rate": 100000 };
        // Who may open few files out here may open few in there.
        sample.watchfire.proxy = { connections: 4000 };
        sample.watchfire.mongodb = {
          command: "/usr/local/bin/mongod --host %<address>s --port 27017 --storage-path /var/lib/mongodb --cache-size 256M --log-file-max 16MB --sync-on-commit",
          uri: "mongodb://10.77.0.13:27017/watchfire?directConnection=true",
        };
        console.log(JSON.stringify(sample));' "$REPOSITORY/chef/samples/three.json" "$1"
}

converge() {
    in_host "$1" ruby /srv/watchfire/chef/test/runner/runner.rb --repo /srv/watchfire/chef --json /root/node.json --name "$1"
}

# converge_all LOG: servers first, as a service that starts looks for them; then the others beside each other.
converge_all() {
    local host others=()
    for host in c a b; do
        (converge "$host" > "$HOSTS_FOLDER/$host/$1" 2>&1 || fail "$host: $(tail -20 "$HOSTS_FOLDER/$host/$1")"
        say "$host: $(tail -1 "$HOSTS_FOLDER/$host/$1"), $(($(date +%s) - began)) s") &
        if [ "$host" = c ]; then wait $!; else others+=($!); fi
    done
    for host in "${others[@]}"; do wait "$host"; done
}

roles() { node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).watchfire.hosts[process.argv[2]].roles.join(" ")' "$REPOSITORY/chef/samples/three.json" "$1"; }

prepare() {
    local root=$HOSTS_FOLDER/$1/root
    cp "$DEB" "$root/root/watchfire.deb"
    install -m 755 "$STAND_IN" "$root/usr/local/bin/mongod"
    node_json "${2:-$(sha256sum "$DEB" | cut -d' ' -f1)}" > "$root/root/node.json"
    cat > "$root/etc/watchfire-secrets.json" <<JSON
{"rabbitmq_password":"rabbit pass/word","erlang_cookie":"WATCHFIRECOOKIE","redis_password":"redis pass:word","mongodb_password":"mongo"}
JSON
    chmod 600 "$root/etc/watchfire-secrets.json"
}

DEB=$(readlink -f "$1")
hosts_image
# RESUME=1: on the hosts that a run with KEEP=1 left, for who works on this.
# shellcheck disable=SC2086
[ -n "${RESUME:-}" ] || hosts_down $HOSTS
# shellcheck disable=SC2086
[ -n "${KEEP:-}" ] || trap "hosts_down $HOSTS" EXIT
began=$(date +%s)
if [ -z "${RESUME:-}" ]; then
network_up
for host in $HOSTS; do host_up "$host" "${ADDRESS[$host]}"; done
say "three bare hosts run, $(($(date +%s) - began)) s"

say "a package of another sum stops the run"
prepare a "$(printf '%064d' 0)"
if converge a > "$HOSTS_FOLDER/wrong.log" 2>&1; then fail "a wrong sum was taken"; fi
grep -q 'FAILED.*ChecksumMismatch.*nothing was changed' "$HOSTS_FOLDER/wrong.log" || fail "$(tail -5 "$HOSTS_FOLDER/wrong.log")"
in_host a test ! -e /usr/bin/watchfire || fail "the package was unpacked"

fi
for host in $HOSTS; do prepare "$host"; done
converge_all converged.log
in_network curl -sfk --retry 20 --retry-all-errors --retry-delay 1 https://10.77.0.11/readyz >/dev/null || fail "nobody answers at the proxy"

if [ -z "${RESUME:-}" ] || [ ! -e "$HOSTS_FOLDER/site.json" ]; then
say "a live visitor"
in_network node "$HERE/journey.mjs" set-up "$HOSTS_FOLDER/site.json" \
    "$(for host in a b; do in_host $host journalctl -u watchfire@web -o short-unix --no-pager; done | sort -n | grep -o '/setup/[A-Za-z0-9_-]*' | tail -1)" || fail "the journey"
say "bare hosts to the first live visitor: $(($(date +%s) - began)) s"
fi

say "a second converge changes nothing"
converge_all again.log
for host in $HOSTS; do
    grep -q '^0 of ' "$HOSTS_FOLDER/$host/again.log" || fail "$host: $(cat "$HOSTS_FOLDER/$host/again.log")"
done

for host in $HOSTS; do
    # shellcheck disable=SC2046
    in_host "$host" /srv/watchfire/chef/test/checks.sh $(roles "$host") > "$HOSTS_FOLDER/$host/checks.log" 2>&1 || fail "$host: $(grep -v '^ok' "$HOSTS_FOLDER/$host/checks.log")"
    say "$host: $(grep -c '^ok' "$HOSTS_FOLDER/$host/checks.log") checks hold"
done
say "from outside, servers and services are behind the firewall"
for door in 10.77.0.13:5672 10.77.0.13:6379 10.77.0.13:27017 10.77.0.11:8101 10.77.0.11:9101 10.77.0.13:4369; do
    in_network timeout 1 bash -c "</dev/tcp/${door/://}" 2>/dev/null && fail "$door is open"
done

say "hits, reports, chat"
in_network node "$HERE/journey.mjs" use "$HOSTS_FOLDER/site.json" || fail "the journey"

say "a rolling upgrade of every role under load"
in_network node "$HERE/load.mjs" "$HOSTS_FOLDER/site.json" "${RATE:-2000}" "$HOSTS_FOLDER/stop" > "$HOSTS_FOLDER/load.json" 2> "$HOSTS_FOLDER/load.log" &
load=$!
sleep 5
for host in a b; do
    for role in processor collector realtime web; do
        in_host $host systemctl restart watchfire@$role
        sleep 1
    done
    # The package itself, too, as apt brings it.
    in_host $host dpkg -i --force-confold /root/watchfire.deb >/dev/null 2>&1
    in_host $host systemctl reload haproxy
    say "$host is upgraded"
    sleep 2
done
touch "$HOSTS_FOLDER/stop"
wait $load || fail "the load: $(cat "$HOSTS_FOLDER/load.json" "$HOSTS_FOLDER/load.log")"
rm -f "$HOSTS_FOLDER/stop"
say "$(cat "$HOSTS_FOLDER/load.json")"

say "one host is killed, under load"
in_network node "$HERE/load.mjs" "$HOSTS_FOLDER/site.json" 200 "$HOSTS_FOLDER/stop" > "$HOSTS_FOLDER/load.json" 2> "$HOSTS_FOLDER/load.log" &
load=$!
sleep 3
host_kill b
sleep 8
touch "$HOSTS_FOLDER/stop"
wait $load || fail "the load: $(cat "$HOSTS_FOLDER/load.json" "$HOSTS_FOLDER/load.log")"
rm -f "$HOSTS_FOLDER/stop"
say "$(cat "$HOSTS_FOLDER/load.json")"
in_network node "$HERE/journey.mjs" use "$HOSTS_FOLDER/site.json" || fail "with one host dead"
say "it is switched on again"
host_boot b
for _ in $(seq 60); do
    in_host b systemctl is-active watchfire@collector watchfire@processor watchfire@realtime watchfire@web haproxy >/dev/null && break
    sleep 1
done
in_network node "$HERE/journey.mjs" use "$HOSTS_FOLDER/site.json" 10.77.0.12 || fail "the host that came back"
say "cluster: all is well"

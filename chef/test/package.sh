#!/bin/bash
# The Debian package on a bare host: installed it serves, restarted and upgraded under load it refuses nobody, purged it
# leaves its data and nothing else. package.sh FILE.deb
set -eu
REPOSITORY=$(cd "$(dirname "$0")/../.." && pwd)
. "$REPOSITORY/chef/test/hosts.sh"
HERE=$(dirname "$(readlink -f "$0")")
ADDRESS=10.77.0.20

fail() {
    say "FAILED: $*"
    in_host package journalctl -u watchfire -u watchfire.socket --no-pager -o short-precise >&2 || true
    exit 1
}
knocking() { in_network node "$HERE/knock.mjs" "http://$ADDRESS:8080/readyz" "$1"; }

hosts_image
hosts_down package
trap 'hosts_down package' EXIT
network_up
began=$(date +%s)
host_up package $ADDRESS
cp "$1" "$HOSTS_FOLDER/package/root/root/watchfire.deb"

say "apt install ./watchfire.deb"
in_host package apt-get install -y -qq /root/watchfire.deb >/dev/null 2>&1 || fail "it does not install"
in_network curl -sf --retry 20 --retry-connrefused --retry-delay 1 "http://$ADDRESS:8080/readyz" || fail "/readyz"
say "it serves, $(($(date +%s) - began)) s after the host was switched on"
path=$(in_host package journalctl -u watchfire --no-pager -o cat | grep -o '/setup/[A-Za-z0-9_-]*' | head -1)
in_network curl -sf "http://$ADDRESS:8080$path" | grep -qi '<form' || fail "the set-up page is not there"
in_host package systemctl show watchfire -p Type,WatchdogUSec,User,NRestarts
in_host package systemd-analyze security watchfire.service --no-pager | tail -1
[ "$(in_host package stat -c '%U %a' /var/lib/watchfire)" = "watchfire 750" ] || fail "whose the data is"
[ "$(in_host package stat -c '%U %a' /etc/watchfire/secrets)" = "root 700" ] || fail "whose the secrets are"

say "systemctl restart, three times, under load"
knocking 12 > "$HOSTS_FOLDER/knocked" & knocker=$!
for _ in 1 2 3; do sleep 2; in_host package systemctl restart watchfire; done
wait $knocker || fail "a restart refused somebody: $(cat "$HOSTS_FOLDER/knocked")"
say "$(cat "$HOSTS_FOLDER/knocked")"

say "the package again, as an upgrade, under load"
echo '# kept' >> "$HOSTS_FOLDER/package/root/etc/watchfire/watchfire.toml"
before=$(in_host package systemctl show watchfire -p MainPID)
knocking 12 > "$HOSTS_FOLDER/knocked" & knocker=$!
in_host package apt-get install -y -qq --reinstall /root/watchfire.deb >/dev/null 2>&1 || fail "it does not upgrade"
wait $knocker || fail "an upgrade refused somebody: $(cat "$HOSTS_FOLDER/knocked")"
say "$(cat "$HOSTS_FOLDER/knocked")"
[ "$before" != "$(in_host package systemctl show watchfire -p MainPID)" ] || fail "the old program still runs"
in_host package grep -q '# kept' /etc/watchfire/watchfire.toml || fail "a changed setting was overwritten"

say "a program that dies is back; one that stands still is ended by the watchdog"
in_host package systemctl kill -s KILL watchfire
in_network curl -sf --retry 20 --retry-connrefused --retry-all-errors --retry-delay 1 "http://$ADDRESS:8080/readyz" >/dev/null || fail "not back"
in_host package mkdir -p /run/systemd/system/watchfire.service.d
printf '[Service]\nWatchdogSec=3\nTimeoutStopSec=2\nTimeoutAbortSec=2\n' > "$HOSTS_FOLDER/watchdog.conf"
in_host package sh -c 'cat > /run/systemd/system/watchfire.service.d/watchdog.conf' < "$HOSTS_FOLDER/watchdog.conf"
in_host package systemctl daemon-reload
in_host package systemctl restart watchfire
frozen=$(in_host package systemctl show watchfire -p MainPID --value)
in_host package systemctl kill -s STOP watchfire
for _ in $(seq 40); do
    sleep 0.5
    [ "$(in_host package systemctl show watchfire -p MainPID --value)" != "$frozen" ] && break
done
in_network curl -sf --max-time 10 --retry 20 --retry-connrefused --retry-all-errors --retry-delay 1 "http://$ADDRESS:8080/readyz" >/dev/null || fail "still frozen"

say "remove, purge"
in_host package apt-get remove -y -qq watchfire >/dev/null 2>&1 || fail "remove"
in_network curl -s --max-time 2 "http://$ADDRESS:8080/readyz" && fail "it still serves"
in_host package test -e /etc/watchfire/watchfire.toml || fail "remove took the settings"
in_host package apt-get purge -y -qq watchfire >/dev/null 2>&1 || fail "purge"
left=$(in_host package sh -c 'find / -xdev -path /proc -prune -o -path /srv -prune -o -name "*watchfire*" -print' | grep -v '^/root/\|^/var/lib/watchfire\|^/var/log/journal\|^/var/cache/apt\|^/tmp/' || true)
[ -z "$left" ] || fail "purge left: $left"
in_host package test -e /var/lib/watchfire/watchfire.db || fail "purge took the data"
in_host package systemctl --failed --no-legend --plain | grep watchfire && fail "a failed unit is left"
say "package: all is well"

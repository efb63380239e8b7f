#!/bin/sh
# What a converged host of the three is held to: units, ports, modes, kernel, firewall. Runs on the host: checks.sh ROLE…
# A line a check; fails where one does not hold.
failed=0
is() {
    if [ "$2" = "$3" ]; then echo "ok      $1"; else echo "FAILED  $1: $3, expected $2"; failed=1; fi
}
active() { is "$1 runs" active "$(systemctl is-active "$1")"; is "$1 starts at boot" "${2:-enabled}" "$(systemctl is-enabled "$1")"; }
mode() { is "mode of $1" "$2" "$(stat -c '%U:%G %a' "$1" 2>&1)"; }
listens() { is "listens at $1" yes "$(ss -Htln "( sport = :${1##*:} )" | awk '{print $4}' | grep -qxF "$1" && echo yes || ss -Htln "( sport = :${1##*:} )" | awk '{print $4}')"; }
address=$(ip -4 -o addr show eth0 | awk '{sub("/.*", "", $4); print $4}')

active nftables
is 'the firewall drops by default' 1 "$(nft list chain inet watchfire input | grep -c 'policy drop')"
is 'time is kept' enabled "$(systemctl is-enabled systemd-timesyncd)"
is 'huge pages are seen to' enabled "$(systemctl is-enabled watchfire-huge-pages)"
is 'somaxconn' 4096 "$(sysctl -n net.core.somaxconn)"
is 'ports' '10240 65535' "$(sysctl -n net.ipv4.ip_local_port_range | tr '\t' ' ')"
is 'keepalive' '120 15 4' "$(sysctl -n net.ipv4.tcp_keepalive_time net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes | xargs)"
is 'limits' 8 "$(grep -c '^[a-z]' /etc/security/limits.d/90-watchfire.conf)"
is 'logs are rotated' 0 "$(logrotate -d /etc/logrotate.conf >/dev/null 2>&1; echo $?)"
is 'nothing differs' 0 "$(watchfire-host >/dev/null; echo $?)"
is 'no unit failed' '' "$(systemctl --failed --no-legend --plain | awk '{print $1}')"
mode /etc/watchfire/secrets 'root:root 700'
mode /etc/nftables.conf 'root:root 600'
mode /usr/local/sbin/watchfire-host 'root:root 755'
is 'who it runs as' /usr/sbin/nologin "$(getent passwd watchfire | cut -d: -f7)"

for role; do
    case $role in
    collector | realtime | web | processor)
        active "watchfire@$role.service"
        is "$role is one of the user's" watchfire "$(ps -o user= -p "$(systemctl show -p MainPID --value "watchfire@$role")" | xargs)"
        mode "/var/lib/watchfire-$role" 'watchfire:watchfire 750'
        for secret in bus live store; do mode /etc/watchfire/secrets/$secret 'root:root 600'; done
        is "$role is hardened" yes "$(systemd-analyze security "watchfire@$role.service" --threshold=20 --no-pager >/dev/null && echo yes)"
        is 'the embedded size is masked' masked "$(systemctl is-enabled watchfire.service)"
        ;;
    esac
    case $role in
    collector) active watchfire@collector.socket; listens "$address:8101"; listens "$address:9101" ;;
    processor) listens 127.0.0.1:8102; listens "$address:9102" ;;
    realtime) active watchfire@realtime.socket; listens "$address:8103"; listens "$address:9103" ;;
    web) active watchfire@web.socket; listens "$address:8104"; listens "$address:9104" ;;
    proxy) active haproxy; listens 0.0.0.0:80; listens 0.0.0.0:443; mode /etc/haproxy/watchfire.pem 'root:haproxy 640' ;;
    redis) active redis-server; listens "$address:6379"; mode /etc/redis/users.acl 'redis:redis 640'
        is 'strangers are refused by Redis' yes "$(redis-cli -h "$address" ping 2>&1 | grep -q NOAUTH && echo yes)" ;;
    rabbitmq) active rabbitmq-server; listens "$address:5672"; mode /var/lib/rabbitmq/.erlang.cookie 'rabbitmq:rabbitmq 400'
        is 'RabbitMQ has one user' watchfire "$(rabbitmqctl list_users --silent | cut -f1 | xargs)" ;;
    mongodb) active mongod; listens "$address:27017" ;;
    observe)
        active prometheus
        listens 127.0.0.1:9090
        mode /etc/prometheus/watchfire.rules.yml 'root:root 644'
        ;;
    esac
done
exit $failed

# Debian hosts with systemd in namespaces, joined by a network, for `make hosts`. Sourced, as root.
# What is started here is ended by `hosts_down`, by process id; nothing outside HOSTS_FOLDER is written.

HOSTS_FOLDER=${HOSTS_FOLDER:-/var/tmp/watchfire-hosts}
BASE=$HOSTS_FOLDER/base
NETWORK=wf-net
# What recipes install: fetched once, so that converging needs no internet.
PACKAGES="rabbitmq-server redis-server haproxy nftables logrotate systemd-timesyncd prometheus prometheus-node-exporter kmod procps"

say() { printf '%s  %s\n' "$(date +%T)" "$*" >&2; }

# The image that every host begins with: Debian, systemd, Ruby for the runner of recipes, fetched packages.
hosts_image() {
    [ -e "$BASE/.complete" ] && return
    say "making the image of the hosts"
    mkdir -p "$HOSTS_FOLDER"
    [ -d "$BASE/usr" ] || debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates,iproute2 bookworm "$BASE" >/dev/null
    cp /etc/resolv.conf "$BASE/etc/resolv.conf"
    env -u TMPDIR chroot "$BASE" sh -ec "apt-get update -qq
        apt-get install -y -qq --no-install-recommends ruby curl openssl init-system-helpers >/dev/null 2>&1
        apt-get install -y -qq --no-install-recommends --download-only $PACKAGES >/dev/null 2>&1"
    touch "$BASE/.complete"
}

network_up() {
    ip netns add $NETWORK
    ip -n $NETWORK link set lo up
    ip -n $NETWORK link add bridge type bridge
    ip -n $NETWORK addr add 10.77.0.1/24 dev bridge
    ip -n $NETWORK link set bridge up
}

# host_up NAME ADDRESS: a bare host that has booted.
host_up() {
    local name=$1 address=$2 root=$HOSTS_FOLDER/$1
    mkdir -p "$root/upper" "$root/work" "$root/root"
    mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$root/upper,workdir=$root/work" "$root/root"
    echo "$name" > "$root/root/etc/hostname"
    ip netns add "wf-$name"
    ip -n $NETWORK link add name "wf-$name" type veth peer name eth0 netns "wf-$name"
    ip -n $NETWORK link set "wf-$name" master bridge up
    ip -n "wf-$name" link set lo up
    ip -n "wf-$name" addr add "$address/24" dev eth0
    ip -n "wf-$name" link set eth0 up
    host_boot "$name"
}

host_boot() {
    local name=$1 root=$HOSTS_FOLDER/$1
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0 setsid systemd-nspawn -q -D "$root/root" --boot --register=no --keep-unit \
        --machine="$name" --capability=CAP_NET_ADMIN --network-namespace-path="/run/netns/wf-$name" --link-journal=no --resolv-conf=off --console=pipe \
        --bind-ro="$REPOSITORY:/srv/watchfire" </dev/null >"$root/console.log" 2>&1 &
    echo $! > "$root/nspawn.pid"
    for _ in $(seq 100); do
        sleep 0.2
        in_host "$name" systemctl is-system-running 2>/dev/null | grep -q 'running\|degraded' || continue
        # The kernel's settings of its own network may be set, as with --private-network.
        in_host "$name" sh -c 'mount -t proc proc /mnt && mount --bind /mnt/sys/net /proc/sys/net && umount -l /mnt'
        return
    done
    say "$name did not boot"; tail "$root/console.log" >&2; return 1
}

host_init() { pgrep -P "$(cat "$HOSTS_FOLDER/$1/nspawn.pid")" | head -1; }

# in_host NAME COMMAND…: as root of it.
in_host() {
    local init; init=$(host_init "$1") || return 1
    shift
    nsenter -t "$init" -m -u -i -n -p -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

# As if the power were cut.
host_kill() {
    local init; init=$(host_init "$1") || return 0
    kill -9 "$init" 2>/dev/null || true
    wait "$(cat "$HOSTS_FOLDER/$1/nspawn.pid")" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$(cat "$HOSTS_FOLDER/$1/nspawn.pid")" 2>/dev/null || break; sleep 0.1; done
}

host_down() {
    [ -e "$HOSTS_FOLDER/$1/nspawn.pid" ] && host_kill "$1"
    ip netns del "wf-$1" 2>/dev/null || true
    umount "$HOSTS_FOLDER/$1/root" 2>/dev/null || true
    rm -rf "${HOSTS_FOLDER:?}/$1"
}

hosts_down() {
    for name in "$@"; do host_down "$name"; done
    ip netns del $NETWORK 2>/dev/null || true
}

in_network() { ip netns exec $NETWORK "$@"; }

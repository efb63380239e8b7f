#!/bin/bash
# `make hosts`: everything that needs root, namespaces and Debian's packages. all.sh FILE.deb
set -eu
here=$(dirname "$(readlink -f "$0")")
deb=$(readlink -f "$1")
[ "$(id -u)" = 0 ] || { echo "make hosts: needs root" >&2; exit 1; }
for tool in debootstrap systemd-nspawn nsenter ip node curl; do
    command -v $tool >/dev/null || { echo "make hosts: $tool is missing (debootstrap, systemd-container, iproute2, nodejs, curl)" >&2; exit 1; }
done
"$here/package.sh" "$deb"
[ ! -e "$here/cluster.sh" ] || "$here/cluster.sh" "$deb"

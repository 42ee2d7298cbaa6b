#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mounts: mapd in a mount namespace of its own, as its unit gives it one: it judges as
# before, and keeps no container's root from being mounted again.
systemd=$(cd "$(dirname "$0")" && pwd)
here=$systemd/../e2e
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"

RUNTIME=$(echo "${RUNTIMES:-runc}" | cut -d ' ' -f 1)
OWN_NAMESPACE="unshare --mount --propagation slave"
GRAPH=$HF/graph

# Podman and CRI-O keep the folder of their containers' roots private.
private_graph() {
	mkdir -p "$GRAPH" && mount -t tmpfs graph "$GRAPH" && mount --make-private "$GRAPH" &&
		mkdir "$GRAPH/lower" "$GRAPH/upper" "$GRAPH/work" "$GRAPH/merged"
}
mount_root() { # with index=on the kernel refuses what is undefined otherwise
	mount -t overlay root -o "index=on,lowerdir=$GRAPH/lower,upperdir=$GRAPH/upper,workdir=$GRAPH/work" "$GRAPH/merged"
}
mount_again() { umount "$GRAPH/merged" && mount_root; }

check "a container's root is mounted" eval 'private_graph && mount_root'
# shellcheck disable=SC2086 # a command
$OWN_NAMESPACE sleep 1000 &
holder=$!
has_own_namespace() { [ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]; }
wait_until has_own_namespace $holder
refute "(in a namespace that holds on to it it cannot be mounted again)" mount_again
kill $holder
wait $holder 2>/dev/null
eventually "(until that is gone)" mount_root

MAPD_WITH=$OWN_NAMESPACE
check "mapd starts in a mount namespace of its own" start_mapd
check "it is not the host's" has_own_namespace "$MAPD_PID"
if readlink /proc/1/ns/mnt >/dev/null; then
	check "the container's root can be mounted again" mount_again
else
	skip "mounts: this machine does not tell which mount namespace is its first"
fi
for journey in protected_container symbolic_links overlay_drift; do "$journey"; done
finish

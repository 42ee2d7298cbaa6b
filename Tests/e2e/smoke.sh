#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# smoke: the machine itself: kernel, LSM list, cgroup layout, and a container by
# each runtime, without Holdfast.
here=$(cd "$(dirname "$0")" && pwd)
HOLDFAST_BIN=${HOLDFAST_BIN:-/nowhere}
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

say "Linux $(uname -r), LSM list $(cat /sys/kernel/security/lsm)"
say "cgroups:$(awk '$3 ~ /^cgroup/ {printf " %s", $2}' /proc/mounts)"

check "BTF is there" test -r /sys/kernel/btf/vmlinux
check "bpffs is mounted" grep -q ' bpf ' /proc/mounts
case $ATTACH in
lsm) check "bpf is in the LSM list" grep -qw bpf /sys/kernel/security/lsm ;;
*) refute "bpf is not in the LSM list" grep -qw bpf /sys/kernel/security/lsm ;;
esac
case $CGROUP in
v1) refute "no cgroup2 is mounted" grep -q ' cgroup2 ' /proc/mounts ;;
v2) refute "no cgroup1 is mounted" grep -q ' cgroup ' /proc/mounts ;;
hybrid) check "cgroup2 stands beside cgroup1" grep -q '/unified cgroup2 ' /proc/mounts ;;
esac

for RUNTIME in runc crun; do
	say "$(runtime --version | head -n 1)"
	for kind in plain linked overlay; do
		name=$kind-$RUNTIME
		ROOTFS=$kind HOOKS=none bundle "$name" /bin/sh -c "$OBEY"
		if start_container "$name"; then
			pass "$RUNTIME: container on a $kind root"
		elif [ "$CGROUP" != v2 ] && [ "$RUNTIME" = crun ]; then
			skip "$RUNTIME, $kind root, on $CGROUP: $(tail -n 1 "$HF/$name.log")"
			continue
		else
			fail "$RUNTIME: container on a $kind root" "$HF/$name.log"
			continue
		fi
		check "$RUNTIME: exec in it" inside "$name" /bin/sh -c '/bin/touch /tmp/made'
		check "$RUNTIME: its file is seen" test -e "$(rootfs_of "$name")/tmp/made"
		check "$RUNTIME: its first process takes orders" tell "$name" '/bin/touch /tmp/told'
		eventually "$RUNTIME: and does them" test -e "$(rootfs_of "$name")/tmp/told"
		check "$RUNTIME: a cgroup below its own" nest "$name" "$(pid_of "$name")"
		remove_container "$name"
		unnest "$name"
	done
done
finish

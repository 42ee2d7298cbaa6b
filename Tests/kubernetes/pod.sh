#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pod: mapd in the container that the DaemonSet describes, with its mounts and privileges, in
# a root made as packaging/image makes it; run by runc in the kubelet's place. Containers of
# this machine are bound and judged, the pod may die, and policies come by a ConfigMap.
kubernetes=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$kubernetes/../.." && pwd)
here=$kubernetes/../e2e
# Below /run, as bundles of containerd are: what the pod sees of them it sees by its mounts.
HF_PARENT=/run
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"
RUNTIME=runc
MAPD_CONTAINER=$(basename "$HF")-mapd
MANIFEST=$root/packaging/kubernetes/daemonset.yaml

image() { # the layers of the Containerfile
	local base
	base=$("$root/tools/debian-root") || return 1
	make -s -C "$root" install BIN="$HOLDFAST_BIN" DESTDIR="$HF/programs" || return 1
	install -m 755 "$root/packaging/image/install-hooks" "$HF/programs/usr/libexec/holdfast/"
	mkdir "$HF/work" "$HF/pod" "$HF/pod/rootfs" "$HF/node"
	mount -t overlay image -o "lowerdir=$base,upperdir=$HF/programs,workdir=$HF/work" "$HF/pod/rootfs"
}

# container NAME [HOSTPATH=FOLDER...] [-- ARGUMENT...]: of the DaemonSet, as a bundle
container() {
	local name="$1"
	shift
	"$kubernetes/pod.py" "$MANIFEST" "$name" rootfs "$@" >"$HF/pod/config.json"
}

start_mapd() {
	container mapd "/var/lib/holdfast=$HF/state" "/var/lib/containerd=$HF/node" "/var/lib/containers=$HF/node" \
		"policies=$POLICIES" -- --attach "$ATTACH" --run-dir "$RUN_DIR" --bpffs "$BPFFS" &&
		runc --root "$HF/kubelet" run -d --bundle "$HF/pod" "$MAPD_CONTAINER" </dev/null >>"$HF/mapd.log" 2>&1 || return 1
	MAPD_PID=$(runc --root "$HF/kubelet" state "$MAPD_CONTAINER" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -n 1)
	wait_until mapd_answers
}
kill_mapd() {
	kill -9 "$MAPD_PID"
	wait_until mapd_is_gone
	MAPD_PID=
	runc --root "$HF/kubelet" delete --force "$MAPD_CONTAINER"
}

# config_map VERSION MODE: as the kubelet changes a ConfigMap's files, by one rename of a link
config_map() {
	mkdir "$POLICIES/..$1"
	POLICIES=$POLICIES/..$1 policy mapped "$2" "$(allow_only app /bin/sh)"
	ln -s "..$1" "$POLICIES/..data_tmp"
	mv -T "$POLICIES/..data_tmp" "$POLICIES/..data"
	[ -L "$POLICIES/mapped.yaml" ] || ln -s ..data/mapped.yaml "$POLICIES/mapped.yaml"
}

if ! image >"$HF/image.log" 2>&1; then
	fail "the image's root is made" "$HF/image.log"
	finish
fi
container install-hooks "/=$HF/node" "tmp=$HF/work" && sed -i 's/RUNTIME=containerd/RUNTIME=crio/' "$HF/pod/config.json"
check "install-hooks runs" runc --root "$HF/kubelet" run --bundle "$HF/pod" "$MAPD_CONTAINER-hooks"
mv "$HF/check.log" "$HF/hooks.log"
says "and puts the hook on the node" "$HF/hooks.log" /usr/libexec/holdfast/oci-hook holdfast-createRuntime.json
check "which can be run" test -x "$HF/node/usr/libexec/holdfast/oci-hook"

if ! start_mapd; then
	fail "mapd starts in its pod" "$HF/mapd.log"
	finish
fi
pass "mapd starts in its pod"
check "the readiness probe finds it" runc --root "$HF/kubelet" exec "$MAPD_CONTAINER" \
	/bin/sh -c "mapctl --socket $CONTROL_SOCKET status >/dev/null || [ \$? -eq 1 ]"
# shellcheck disable=SC2086 # a list
protect keep $SH_RULES
check "a container is bound" bound keep
foreign keep
overlay_drift
kill_mapd
check "without the pod the gate still refuses" refused keep /bin/touch /tmp/witness
check "the next pod starts" start_mapd
check "and knows what is bound" bound keep
check "what is refused stays refused" refused keep /bin/touch /tmp/witness

config_map 1 monitor
eventually "a policy of the ConfigMap is in force" policy_in_force mapped monitor
config_map 2 protect
eventually "and follows when it is changed" policy_in_force mapped protect
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nested.sh: podman in a container of podman, and cgroup namespaces. Read by podman.sh.

# The machine's programs, and storage of its own without overlay.
nested_launch() {
	local folder cache
	cache=$(dirname "$(dirname "$PODMAN")")
	for folder in usr etc tmp proc sys dev run var/tmp opt/tools witness inner "$cache" "$HF"; do
		mkdir -p "$HF/outer/$folder"
	done
	for folder in bin sbin lib lib64; do ln -sfn "usr/$folder" "$HF/outer/$folder"; done
	mkdir -p "$HF/inner"
	cp -r /etc/containers /etc/passwd /etc/group "$HF/outer/etc/"
	podman run -d --name nested --privileged --cgroupns=private \
		--annotation security.rancher.io/policy=nested --annotation io.kubernetes.container.name=app \
		--annotation io.kubernetes.pod.namespace=e2e \
		-v /usr:/usr:ro -v "$cache:$cache:ro" -v "$HF/inner:/inner" \
		-v "$HF/probe:$HF/probe:ro" -v "$HF/witness:/witness" \
		--rootfs "$HF/outer" /bin/sleep 100000 >"$HF/nested.id"
}

inner() { # inner PROGRAM...: a container inside the container, from start to end
	enter nested "$PODMAN" --root /inner/root --runroot /inner/run --storage-driver vfs \
		run --rm --network none -v /witness:/witness --rootfs "$HF/probe/rootfs" "$@"
}

# The engine needs mounts of its own making; /usr is an overlay where these tests run. An inner runc
# executes a copy of itself, in memory or as /runc of a mount that is nowhere: to the gate that
# is the workload's, unlike the copy of a runc outside.
nested_policy() { # nested_policy [RELAXATION]
	policy nested protect "$(allow_only app /usr/ "$(dirname "$(dirname "$PODMAN")")/" /opt/tools/true /runc -- \
		"allow: [writableLayer, laterMounts, anonymousFiles${1:+, $1}]")"
}

also_nested() {
	cp "$HF/probe/rootfs/bin/true" "$HF/probe/rootfs/opt/tools/"
	nested_policy
	want "a container with podman in it starts" nested_launch
	want "and is bound" is_bound nested
	want_not "a container in it is refused" inner /opt/tools/true
	want_soon "for its mount namespace, or a mount that is in none" nested_reason foreignMountNamespace foreignMount
	nested_policy nestedNamespaces
	case "$LOW $LOW_VERSION" in
	"runc 1.1.5") # its copy is a mount of the file alone, whose path no policy can list
		want_soon "allowed by the policy, its runtime still is not" nested_runtime_refused
		;;
	*) nested_allowed ;;
	esac
	halt nested >/dev/null 2>&1
}

nested_reason() { # nested_reason REASON...: one of them was reported
	local reason
	for reason in "$@"; do event "containerId=$(id_of nested)" verdict=refuse "reason=$reason" && return; done
	return 1
}

nested_runtime_refused() {
	fails inner /opt/tools/true && event "containerId=$(id_of nested)" executable=/ reason=notListed
}

nested_allowed() {
	want_soon "allowed by the policy, it runs what is listed" inner /opt/tools/true
	want_not "and nothing else" inner /bin/touch /witness/nested
	want_not "it never ran" test -e "$HF/witness/nested"
	want_soon "as the report says" event "containerId=$(id_of nested)" executable=/bin/touch reason=notListed
}

# The container's cgroup is the root of all it sees.
also_private() {
	want "a container with a cgroup namespace of its own starts" private_launch
	want "and is bound" is_bound own
	want "a listed program runs" enter own /bin/true
	want_not "an unlisted one is refused" enter own /bin/sh -c '/bin/touch /witness/own; code=$?; :; exit $code'
	want_not "it never ran" test -e "$HF/witness/own"
	want "mapd is killed and starts again" restart_mapd
	want "the container is bound" is_bound own
	halt own >/dev/null 2>&1
}
private_launch() { LAUNCH_OPTIONS=--cgroupns=private launch own /bin/sleep 100000; }

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Containers for the bypass corpus, made with the runtime alone. Sourced; POSIX
# sh and busybox only, because the guests of the kernel matrix have no more.
# `runtime`, `remove_container`, $HF come from Tests/e2e/lib.sh; PROGRAMS is the
# output of the Makefile here.

DOCKER_CAPABILITIES="CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP
	SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
MORE_CAPABILITIES="$DOCKER_CAPABILITIES SYS_ADMIN SYS_PTRACE DAC_READ_SEARCH NET_ADMIN"
BYPASS_IMAGE=$HF/bypass

capability_list() { # WORD...: "CAP_WORD","CAP_WORD"
	printf '"CAP_%s",' "$@" | sed 's/,$//'
}

# The image, once: rootfs, volume, and the paths that the policy lists.
bypass_image() {
	local technique
	"$PROGRAMS/driver" image "$BYPASS_IMAGE" >"$HF/listed" || return 1
	for technique in nsenter-host proc-root-host; do
		cp "$PROGRAMS/witness" "$BYPASS_IMAGE/outside/$technique"
		echo "$BYPASS_IMAGE/outside/$technique" >>"$HF/listed"
	done
}

bypass_rootfs() { # NAME KIND: an overlay of the image, or an image of its own
	local bundle="$HF/bundles/$1"
	mkdir -p "$bundle/out"
	echo "$RUNTIME" >"$bundle/runtime"
	if [ "$2" = plain ]; then
		"$PROGRAMS/driver" image "$bundle" >/dev/null
		cp "$PROGRAMS/witness" "$bundle/outside/handle-outside-root"
		"$PROGRAMS/driver" handle "$bundle/outside/handle-outside-root" \
			>"$bundle/volume/handle" || rm -f "$bundle/volume/handle"
		return
	fi
	cp -a "$BYPASS_IMAGE/volume" "$bundle/volume"
	mkdir -p "$bundle/rootfs" "$bundle/upper" "$bundle/work"
	mount -t overlay overlay "$bundle/rootfs" -o \
		"lowerdir=$BYPASS_IMAGE/rootfs,upperdir=$bundle/upper,workdir=$bundle/work"
}

# HOOKS and POLICY as in Tests/e2e/bundle.sh.
bypass_config() { # NAME KIND DRIVER-ARGUMENTS-AS-JSON
	local bundle="$HF/bundles/$1" capabilities pid_namespace cgroup_mount='' hooks='' label=''
	# shellcheck disable=SC2086 # a list of words
	capabilities=$(capability_list $MORE_CAPABILITIES)
	pid_namespace='{"type":"pid"},'
	case $2 in
	hostpid) pid_namespace='' ;;
	cgroup) cgroup_mount='{"destination":"/sys/fs/cgroup","type":"bind","source":"/sys/fs/cgroup","options":["rbind","rw"]},' ;;
	plain | admin) ;;
	*)
		# shellcheck disable=SC2086 # a list of words
		capabilities=$(capability_list $DOCKER_CAPABILITIES)
		[ "$2" != sharedpid ] ||
			pid_namespace="{\"type\":\"pid\",\"path\":\"/proc/$VICTIM_PID/ns/pid\"},"
		;;
	esac
	[ "${HOOKS:-}" = none ] || hooks="$(hook createRuntime), $(hook poststart), $(hook poststop)"
	[ -z "${POLICY:-}" ] || label="\"security.rancher.io/policy\":\"$POLICY\","
	cat >"$bundle/config.json" <<JSON
{"ociVersion":"1.0.2",
 "process":{"terminal":false,"user":{"uid":0,"gid":0},"cwd":"/","noNewPrivileges":false,
  "args":["/bypass/driver",$3],
  "env":["PATH=/bypass","HOST_FOREIGN=$BYPASS_IMAGE/outside","HOST_PID=$$","VICTIM_PID=${VICTIM_PID:-}","TRIES=${TRIES:-2000}","MANY=${MANY:-0}"],
  "capabilities":{"bounding":[$capabilities],"effective":[$capabilities],"permitted":[$capabilities]},
  "rlimits":[{"type":"RLIMIT_NOFILE","hard":1024,"soft":1024}]},
 "root":{"path":"rootfs","readonly":false},
 "hostname":"bypass",
 "mounts":[
  {"destination":"/proc","type":"proc","source":"proc"},
  {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755","size=65536k"]},
  {"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]},
  $cgroup_mount
  {"destination":"/out","type":"bind","source":"$bundle/out","options":["bind","rw"]},
  {"destination":"/scratch","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=1777","size=65536k"]},
  {"destination":"/volume-reuse","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755","size=65536k"]},
  {"destination":"/volume","type":"bind","source":"$bundle/volume","options":["bind","rw"]},
  {"destination":"/volume-sub","type":"bind","source":"$bundle/volume/sub","options":["bind","rw"]}],
 "linux":{"cgroupsPath":"/holdfast-e2e/$1",
  "resources":{"devices":[{"allow":false,"access":"rwm"}]},
  "namespaces":[$pid_namespace{"type":"network"},{"type":"ipc"},{"type":"uts"},{"type":"mount"}]},
 "annotations":{$label
  "io.kubernetes.pod.namespace":"e2e","io.kubernetes.pod.name":"pod-$1",
  "io.kubernetes.container.name":"app"},
 "hooks":{$hooks}}
JSON
}

# Runs the techniques named on stdin in one start: a line of result each.
bypass_run() { # NAME KIND
	bypass_rootfs "$1" "$2" && bypass_config "$1" "$2" '"run","-"' &&
		runtime run --bundle "$HF/bundles/$1" "$1"
}

# A container that only waits, for others to enter or to share with. HOOKS and POLICY as above.
bypass_victim() { # NAME
	bypass_rootfs "$1" default
	bypass_config "$1" default '"wait"'
	runtime run --detach --bundle "$HF/bundles/$1" "$1" </dev/null >"$HF/$1.log" 2>&1 || return 1
	VICTIM_PID=$(pid_of "$1")
}

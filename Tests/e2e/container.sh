#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# container.sh: run containers with RUNTIME (runc or crun), and programs in them.

RUNTIME=${RUNTIME:-runc}
PROBLEM=$HF/runtime.problem

# For a container that takes orders: run by `tell`, as children of its first process.
OBEY='while :; do read -r order </tmp/orders && eval "$order"; done'

runtime() { "$RUNTIME" --root "$HF/$RUNTIME" "$@"; }

start_container() { # start_container NAME: false if the runtime or a hook fails
	[ -p "$(rootfs_of "$1")/tmp/orders" ] || mkfifo "$(rootfs_of "$1")/tmp/orders"
	echo "$RUNTIME" >"$HF/bundles/$1/runtime"
	runtime run -d --bundle "$HF/bundles/$1" "$1" </dev/null >"$HF/$1.log" 2>&1
}

run_bundle() { # run_bundle NAME: a container that ends by itself; its exit code
	echo "$RUNTIME" >"$HF/bundles/$1/runtime"
	runtime run --bundle "$HF/bundles/$1" "$1" </dev/null >"$HF/$1.log" 2>&1
}

all_containers() {
	local one
	for one in "$HF"/bundles/*/runtime; do
		[ ! -e "$one" ] || basename "$(dirname "$one")"
	done
}

remove_container() { # whatever state it is in
	(
		RUNTIME=$(cat "$HF/bundles/$1/runtime")
		runtime kill "$1" KILL
		runtime delete --force "$1"
	) >/dev/null 2>&1
	umount "$(rootfs_of "$1")" 2>/dev/null
	rm -rf "$HF/bundles/$1"
	return 0
}

pid_of() { # the container's first process; the state is JSON on many lines or one
	runtime state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -n 1
}

inside() { # inside NAME PROGRAM...: by `runc exec`; its exit code
	local one="$1"
	shift
	runtime exec "$one" "$@" </dev/null
}

# in_shell NAME SCRIPT: by the container's shell, so that the exec is a workload's.
in_shell() { inside "$1" /bin/sh -c "$2"; }

# tell NAME SCRIPT: the first process does it; returns when it has begun to read.
tell() { printf '%s\n' "$2" | timeout "$PATIENCE" tee "$(rootfs_of "$1")/tmp/orders" >/dev/null; }

# refused NAME PROGRAM ARGUMENT...: a workload's exec does not happen and shows it
# as the attach point does: EPERM from the kernel, or SIGKILL.
refused() {
	local one="$1" code=0
	shift
	# ":" keeps the shell from replacing itself by the program
	in_shell "$one" "$*; code=\$?; :; exit \$code" >"$HF/refused.log" 2>&1 || code=$?
	cat "$HF/refused.log"
	echo "exit code $code"
	case $ATTACH in
	kill) [ "$code" -eq 137 ] ;;
	*) [ "$code" -eq 126 ] && grep -q -e 'Operation not permitted' -e 'Permission denied' "$HF/refused.log" ;;
	esac
}

# The child cgroup NAME/nested in every hierarchy that can bind, and a process in it.
nest() { # nest NAME PID
	local controllers path hierarchy
	while IFS=: read -r _ controllers path; do
		case $controllers in
		'') hierarchy=/sys/fs/cgroup/unified && [ -d $hierarchy ] || hierarchy=/sys/fs/cgroup ;;
		pids | memory) hierarchy=/sys/fs/cgroup/$controllers ;;
		*) continue ;;
		esac
		case $path in
		*"/$1"*) ;;
		*) continue ;; # a hierarchy that the runtime has not used
		esac
		mkdir -p "$hierarchy$path/nested" && echo "$2" >"$hierarchy$path/nested/cgroup.procs" || return 1
	done <"/proc/$2/cgroup"
	grep -q "/$1/.*nested\|/$1/nested" "/proc/$2/cgroup"
}

unnest() { # the first process is gone by now
	find /sys/fs/cgroup -depth -type d -path "*/$1/nested" -exec rmdir {} \; 2>/dev/null
	return 0
}

# Whether the runtime can run anything here, without Holdfast: newer ones refuse
# old cgroup layouts. Its own words are in $PROBLEM.
runtime_works() {
	local code
	HOOKS=none POLICY='' bundle "probe-$RUNTIME" /bin/true
	run_bundle "probe-$RUNTIME"
	code=$?
	cp "$HF/probe-$RUNTIME.log" "$PROBLEM"
	remove_container "probe-$RUNTIME"
	return $code
}

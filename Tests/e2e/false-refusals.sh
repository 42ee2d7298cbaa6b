#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# false-refusals: what belongs to a container's life must never be refused: the
# runtime's own steps, hooks of others, N execs by the runtime (as `kubectl exec` and
# probes are), a first process that executes itself anew, the stop. For each runtime:
#
#   RUNTIMES="runc crun /path/to/runc-1.3.6"   N=1000 (20 in a guest)
#
# Prints for each: runtime version, refused of N.
here=$(cd "$(dirname "$0")" && pwd)
for pair in $(echo "${SUITE_ARGUMENTS:-}" | tr ':' ' '); do export "${pair?}"; done
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
N=${N:-$([ -n "${HOLDFAST_GUEST:-}" ] && echo 20 || echo 1000)}
RUNTIMES=$(echo "${RUNTIMES:-runc crun}" | tr '+' ' ')
mkdir "$HF/programs"
PATH=$PATH:$HF/programs

# As often as told, the first process becomes a new shell; then it waits.
# shellcheck disable=SC2016 # expanded in the container
ANEW='[ "$1" -eq "$2" ] || exec /bin/sh -c "$0" "$0" $(($1 + 1)) "$2"; echo "$1" >/tmp/anew; exec /bin/sleep 100000'

# Hooks that no policy lists: one of the host, one in the container.
others_hooks() { # NAME: adds them to its config.json
	local host
	host=$(readlink -f /bin/busybox) # not by command -v: it is a builtin of busybox
	sed -i "s|\"hooks\": {|&\"createContainer\": [{\"path\": \"$host\", \"args\": [\"busybox\", \"touch\", \"$HF/$1.created\"]}], \"startContainer\": [{\"path\": \"/bin/touch\", \"args\": [\"touch\", \"/tmp/started\"]}], |" \
		"$HF/bundles/$1/config.json"
}

refusals() { # NAME: executions in that container that mapd saw refused
	events | grep -F "\"containerId\":\"$1\"" | grep -cF '"verdict":"refuse"'
}

first_process_anew() { [ "$(cat "$(rootfs_of "$1")/tmp/anew" 2>/dev/null)" = "$N" ]; }

forgotten() { mapctl status && ! mapctl containers --json | grep -qF "\"$1\""; }

exec_many() { # NAME LOG: how many of N were refused
	local i=0 bad=0
	while [ "$i" -lt "$N" ]; do
		inside "$1" /bin/true >>"$2" 2>&1 || bad=$((bad + 1))
		i=$((i + 1))
	done
	echo "$bad"
}

life() { # of one container under RUNTIME, on a ROOTFS of its kind
	local name bad version
	name=life-$RUNTIME-$ROOTFS
	policy "$name" protect "$(allow_only app /bin/sh /bin/sleep /bin/true)"
	wait_until policy_in_force "$name" protect
	POLICY=$name bundle "$name" /bin/sh -c "$ANEW" "$ANEW" 0 "$N"
	others_hooks "$name"
	version=$(runtime --version | head -n 1)
	if ! start_container "$name"; then
		fail "$version, $ROOTFS root: starts" "$HF/$name.log"
		remove_container "$name"
		return
	fi
	pass "$version, $ROOTFS root: starts, with hooks of others"
	check "... the createContainer hook ran" test -e "$HF/$name.created"
	# crun does not wait for it
	eventually "... the startContainer hook ran" test -e "$(rootfs_of "$name")/tmp/started"
	eventually "... the first process executed itself anew $N times" first_process_anew "$name"
	bad=$(exec_many "$name" "$HF/$name.exec")
	if [ "$bad" -eq 0 ]; then
		pass "$version, $ROOTFS root: refused $bad/$N"
	else
		fail "$version, $ROOTFS root: refused $bad/$N" "$HF/$name.exec"
	fi
	check "... mapd saw no refusal either" test "$(refusals "$name")" -eq 0
	# Or all of this would also pass without a gate.
	refute "... while an unlisted program is refused" inside "$name" /bin/cat /proc/version
	check "... the runtime stops it" runtime kill "$name" KILL
	eventually "... and removes it" runtime delete "$name"
	eventually "... and mapd forgets it" forgotten "$name"
	remove_container "$name"
	rm -f "$POLICIES/$name.yaml"
}

say "Linux $(uname -r), attach point $ATTACH, cgroup $CGROUP, gate $GATE, N=$N"
if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
number=0
for RUNTIME in $RUNTIMES; do
	case $RUNTIME in */*) # under a short name, of which files and containers are named
		number=$((number + 1))
		ln -s "$RUNTIME" "$HF/programs/runtime$number"
		RUNTIME=runtime$number
		;;
	esac
	if ! runtime_works; then
		skip "$RUNTIME does not run here: $(tail -n 1 "$PROBLEM")"
		continue
	fi
	for ROOTFS in plain overlay; do life; done
done
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hooks: what may happen between a runtime, its hook and mapd; numbers that are used again.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

no_hook_runs() { ! our_hooks; }
hundredths() { echo "$(($1 / 100)).$(($1 / 10 % 10))$(($1 % 10))"; }

# The hook is killed while the runtime waits for it: there is no container, or it is bound.
hook_killed() {
	local rounds round hook started=0 refused=0 starting
	rounds=$(rounds_of 100)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	storm_policy victim
	wait_until policy_in_force victim protect
	HOOK_FAIL=closed HOOK_TIMEOUT=60000
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		POLICY=victim make_storm victim 1 /opt/forbidden /opt/allowed
		# Every other time it has sent its question and waits; else it is at any point, or done.
		[ $((round % 2)) -eq 0 ] || halt_mapd
		start_container victim &
		starting=$!
		[ $((round % 2)) -eq 0 ] || wait_until our_hooks
		sleep "$(hundredths $((round * 7 % 12)))"
		for hook in $(our_hooks); do kill -9 "$hook" 2>/dev/null; done
		kill -CONT "$MAPD_PID"
		if wait "$starting"; then
			started=$((started + 1))
			STORMS="$STORMS victim"
			wait_until going victim || fail "round $round: its storm begins" "$HF/victim.log"
			bound victim || fail "round $round: the container runs and is bound" "$HF/mapd.log"
			stop_storm victim 1 || fail "round $round: its storm ends"
			remove_storm victim
		else
			refused=$((refused + 1))
			remove_container victim
		fi
		wait_until no_hook_runs
		wait_until fill_is bindings 1 || fail "round $round: $(fill_of bindings) bindings are left, not 1" "$HF/mapd.log"
	done
	say "$started containers started, $refused were refused"
	check "no record is left but the storm's" test "$(find "$HF/run/containers" -name '*.json' | wc -l)" -eq 1
	stop_storm steady
	outcome hook-killed "$rounds"
	HOOK_FAIL=open HOOK_TIMEOUT=20000
}

# The process that the hook told of ends, and its number is another's when mapd looks: a
# bystander's, which must not come under the container's policy.
pid_reused() {
	local rounds round pid hook code bystander group
	rounds=$(rounds_of 50)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	storm_policy ghost
	wait_until policy_in_force ghost protect
	group=$(cgroup_beside steady bystander)
	POLICY=ghost make_storm ghost
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		sleep 1000 &
		pid=$!
		halt_mapd
		echo "{\"ociVersion\":\"1.0.2\",\"id\":\"ghost\",\"status\":\"creating\",\"pid\":$pid,\"bundle\":\"$HF/bundles/ghost\"}" |
			"$HOLDFAST_BIN/oci-hook" --socket "$HOOK_SOCKET" --timeout 60000 --fail closed createRuntime \
				>"$HF/ghost.log" 2>&1 &
		hook=$!
		wait_until waits_for_answer "$hook" || fail "round $round: the hook asks"
		# field 19 of /proc/PID/stat
		[ "$round" -gt 1 ] || check "a hook comes before other processes" \
			test "$(sed 's/.*) //' "/proc/$hook/stat" | cut -d ' ' -f 17)" = -20
		kill -9 "$pid"
		wait "$pid" 2>/dev/null
		# Starts are told apart by hundredths of a second.
		sleep 0.02
		bystander=$("$HOLDFAST_BIN/respawn" "$pid" "$group" 2>"$HF/respawn.log")
		kill -CONT "$MAPD_PID"
		code=0
		wait "$hook" || code=$?
		[ "$bystander" = "$pid" ] || fail "round $round: the number is used again" "$HF/respawn.log"
		[ "$code" -eq 1 ] || fail "round $round: refused, exit code $code" "$HF/ghost.log"
		fill_is bindings 1 || fail "round $round: the bystander was bound" "$HF/mapd.log"
		kill -9 "$bystander" 2>/dev/null
	done
	says "mapd says why" "$HF/ghost.log" "given to another one"
	rm -rf "$HF/bundles/ghost"
	wait_until rmdir "$group"
	stop_storm steady
	outcome pid-reused "$rounds"
}
# Asleep in poll: its question is sent.
waits_for_answer() { grep -q poll "/proc/$1/wchan" || grep -qE '^(7|271) ' "/proc/$1/syscall"; }

# cgroup_beside NAME OTHER: makes a cgroup next to the one that NAME is bound by.
cgroup_beside() {
	local path id root
	path=$(mapctl containers --json | plain_json | tr -d '\n ' | sed 's/{"attach/\
&/g' | grep -F "\"id\":\"$1\"" | sed 's/.*"cgroupPath":"\([^"]*\)".*/\1/')
	id=$(cgroup_id_of "$1")
	for root in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/pids /sys/fs/cgroup/memory; do
		if [ "$(stat -c %i "$root$path" 2>/dev/null)" = "$id" ]; then
			mkdir -p "$root${path%/*}/$2" && echo "$root${path%/*}/$2"
			return
		fi
	done
}
cgroup_id_of() {
	mapctl containers --json | plain_json | tr -d '\n ' | sed 's/{"attach/\
&/g' | grep -F "\"id\":\"$1\"" | sed 's/.*"cgroupId":\([0-9]*\).*/\1/'
}

# A container of the same name at the same cgroup path, and without a policy: not judged.
unmanaged_again() { # unmanaged_again WHEN
	POLICY='' make_storm again 1 /opt/forbidden /opt/allowed
	start_container again || fail "$1: a container without a policy starts in its place" "$HF/again.log"
	wait_until going again
	stop_storm again 1
	[ "$(score again ran)" -eq "$(score again tried)" ] || fail "$1: the new container was judged by the old one's policy"
	[ "$(score again wronged)" -eq 0 ] || fail "$1: an allowed exec was refused"
	remove_container again
}

managed_again() {
	POLICY=again make_storm again 1 /opt/forbidden /opt/allowed
	start_storm again || fail "$1: a container under a policy starts" "$HF/again.log"
	wait_until going again
	stop_storm again 1
}

# A cgroup at the same path, with another id.
cgroup_path_reused() {
	local rounds round
	rounds=$(rounds_of 50)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	storm_policy again
	wait_until policy_in_force again protect
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		managed_again "round $round"
		remove_storm again
		unmanaged_again "round $round"
		# The end of the first is not seen by mapd.
		managed_again "round $round, away"
		HOOK_TIMEOUT=1000
		kill_mapd
		remove_storm again
		unmanaged_again "round $round, away"
		HOOK_TIMEOUT=20000
		start_mapd || fail "round $round: mapd starts" "$HF/mapd.log"
		wait_until fill_is bindings 1 || fail "round $round: the old binding goes" "$HF/mapd.log"
	done
	stop_storm steady
	outcome cgroup-path-reused "$rounds"
}

# The kernel does not use a cgroup's id again before all 64 bits are through. Here the
# binding of a container that ended is put under the id that a new one will have.
cgroup_id_reused() {
	local rounds round group
	if ! command -v bpftool >/dev/null; then
		skip "cgroup-id-reused: no bpftool to write the stale binding with"
		return
	fi
	rounds=$(rounds_of 20)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	storm_policy again
	wait_until policy_in_force again protect
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		group=$(cgroup_beside steady again)
		stale_binding "$group" || fail "round $round: a stale binding is written"
		if [ $((round % 2)) -eq 0 ]; then
			unmanaged_again "round $round"
		else
			managed_again "round $round"
			remove_storm again
		fi
		wait_until fill_is bindings 1 || fail "round $round: the stale binding goes" "$HF/mapd.log"
	done
	stop_storm steady
	outcome cgroup-id-reused "$rounds"
}

# stale_binding CGROUP: the storm's binding under CGROUP's id, with an init that is gone.
stale_binding() {
	local pin key value
	pin=$(find "$BPFFS" -name bindings)
	# keys and values as rows of hexadecimal bytes
	key=$(le8 "$(stat -c %i "$1")")" "$(bpftool map dump pinned "$pin" -j | sed 's/.*"key":\["\([^]]*\)"\].*"value".*/\1/; s/","/ /g; s/0x//g' | cut -d ' ' -f 9-16)
	value=$(bpftool map dump pinned "$pin" -j | sed 's/.*"value":\["\([^]]*\)"\].*/\1/; s/","/ /g; s/0x//g')
	# shellcheck disable=SC2046,SC2086 # lists of bytes
	set -- $value
	# id 16383, which no other one has, and mount namespace and init of nobody
	value="ff 3f 00 00 $5 $6 $7 $8 ff ff ff 7f ${13} ${14} ${15} ${16} fe ff ff 7f"
	shift 20
	# shellcheck disable=SC2086 # lists of bytes
	bpftool map update pinned "$pin" key hex $key value hex $value "$@"
}
le8() { # le8 NUMBER: eight bytes, the lowest first
	local n=0 rest="$1"
	while [ "$n" -lt 8 ]; do
		printf '%02x ' $((rest & 255))
		rest=$((rest >> 8)) n=$((n + 1))
	done
}

fault hook_killed
fault pid_reused
fault cgroup_path_reused
fault cgroup_id_reused
finish

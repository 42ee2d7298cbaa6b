#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mapd: what may befall mapd itself. A storm goes on through all of it.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

# Containers start and stop and policies change, at any moment of which mapd is killed.
kill_random() {
	local rounds round span
	rounds=$(rounds_of 1000)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	storm_policy passing
	wait_until policy_in_force passing protect
	# Without mapd the fail policy would let a container start unprotected: it is closed here.
	HOOK_TIMEOUT=60000 HOOK_FAIL=closed
	# How long a round without a kill takes here: that is where the moments are spread over.
	span=$(milliseconds)
	churn 0
	span=$(($(milliseconds) - span))
	end_churn 0
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		(churn "$round") &
		churning=$!
		sleep "$(seconds_of $((span * (round * 61 % 40) / 40)))"
		kill_mapd
		start_mapd || fail "round $round: mapd starts" "$HF/mapd.log"
		wait "$churning" || fail "round $round: a container starts" "$HF/passing$round.log"
		end_churn "$round"
	done
	stop_storm steady
	eventually "the reports have all of its count" told_all steady
	outcome kill-random "$rounds"
	HOOK_TIMEOUT=20000 HOOK_FAIL=open
}

churn() { # churn ROUND: the hook waits until it is answered, or mapd dies on it
	[ $(($1 % 3)) -eq 0 ] || storm_policy steady "/opt/version$1"
	[ $(($1 % 3)) -eq 1 ] || storm_policy passing "/opt/version$1"
	POLICY=passing make_storm "passing$1" 1 /opt/forbidden /opt/allowed
	start_container "passing$1" && return
	# Refused because mapd was killed under the hook: the orchestrator tries again.
	runtime delete --force "passing$1" >/dev/null 2>&1
	wait_until mapctl status
	start_container "passing$1"
}

end_churn() {
	STORMS="$STORMS passing$1"
	wait_until going "passing$1" || fail "round $1: its storm begins" "$HF/passing$1.log"
	stop_storm "passing$1" 1 || fail "round $1: its storm ends"
	remove_storm "passing$1"
}
# Since the boot, to 10: busybox's date knows no parts of a second.
milliseconds() {
	local up
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}0"
}
seconds_of() { printf '%d.%03d\n' $(($1 / 1000)) $(($1 % 1000)); } # seconds_of MILLISECONDS

# What was counted and not yet told when mapd was killed is told by the next one, though it
# happens no more.
counts_outlive_mapd() {
	local rounds round
	rounds=$(rounds_of 50)
	check "mapd starts" start_mapd
	storm_policy counts
	wait_until policy_in_force counts protect
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		make_storm counts
		start_storm counts || fail "round $round: a container starts" "$HF/counts.log"
		wait_until going counts
		# every third time while the first event is still in the ring
		[ $((round % 3)) -ne 0 ] || halt_mapd
		stop_storm counts || fail "round $round: its storm ends"
		kill_mapd
		start_mapd || fail "round $round: mapd starts" "$HF/mapd.log"
		wait_until told_all counts || fail "round $round: told $(told counts) of $(score counts tried)"
		remove_storm counts
		wait_until fill_is bindings 0 || fail "round $round: its binding goes"
	done
	outcome counts-outlive-mapd "$rounds"
}

# Memory runs out in mapd's cgroup, and mapd is the one to go.
oom_kill() {
	local rounds round group most hog code
	rounds=$(rounds_of 20)
	case $CGROUP in
	v2) group=/sys/fs/cgroup/$(basename "$HF")-oom most=memory.max ;;
	*) group=/sys/fs/cgroup/memory/$(basename "$HF")-oom most=memory.limit_in_bytes ;;
	esac
	if ! mkdir "$group" 2>/dev/null || [ ! -e "$group/$most" ]; then
		rmdir "$group" 2>/dev/null
		skip "oom-kill: no memory controller in $group"
		return
	fi
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm oom
	echo 200M >"$group/$most"
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		echo "$MAPD_PID" >"$group/cgroup.procs"
		echo 1000 >"/proc/$MAPD_PID/oom_score_adj"
		# Swallows memory in the same cgroup until somebody is killed.
		sh -c "echo \$\$ >$group/cgroup.procs; exec tail /dev/zero" >/dev/null 2>&1 &
		hog=$!
		wait_until mapd_is_gone || fail "round $round: mapd is killed"
		kill -9 "$hog" 2>/dev/null
		wait "$MAPD_PID"
		code=$?
		[ "$code" -eq 137 ] || fail "round $round: mapd ended with $code"
		MAPD_PID=
		wait_until goes_on oom 5
		start_mapd || fail "round $round: mapd starts again" "$HF/mapd.log"
	done
	kill_mapd
	wait_until rmdir "$group"
	start_mapd
	stop_storm oom
	outcome oom-kill "$rounds"
}

# mapd stands still. Hooks come to their time limit, and their fail policy decides.
stopped() {
	local seconds
	seconds=$((60 * SCALE / 100))
	[ "$seconds" -ge 5 ] || seconds=5
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm stopped
	HOOK_TIMEOUT=1000
	halt_mapd
	before=$(score stopped tried)
	POLICY='' make_storm unmanaged
	check "an unmanaged container starts: fail open" start_container unmanaged
	sleep "$seconds"
	kill -CONT "$MAPD_PID"
	HOOK_TIMEOUT=20000
	check "the storm went on" tried_more stopped $((before + 20))
	remove_container unmanaged
	eventually "mapd answers again" mapctl status
	stop_storm stopped
	eventually "the reports have all of its count" told_all stopped
	outcome stopped "$seconds"
}

# A second mapd must not touch what the first one holds.
two_mapds() {
	local rounds round first code=0
	rounds=$(rounds_of 100)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm two
	first=$MAPD_PID
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		code=0
		timeout 60 "$HOLDFAST_BIN/mapd" --run-dir "$HF/run" --bpffs "$BPFFS" --policies "$POLICIES" \
			--gate-object "$HOLDFAST_BIN/gate.bpf.o" --attach "$ATTACH" >"$HF/second.log" 2>&1 || code=$?
		[ "$code" -eq 1 ] || fail "round $round: the second mapd ends with 1, not $code" "$HF/second.log"
	done
	says "it says why" "$HF/second.log" "another mapd"
	# The run directory is not what matters: the pins are.
	code=0
	mkdir -p "$HF/run2"
	timeout 60 "$HOLDFAST_BIN/mapd" --run-dir "$HF/run2" --bpffs "$BPFFS" --policies "$POLICIES" \
		--gate-object "$HOLDFAST_BIN/gate.bpf.o" --attach "$ATTACH" >"$HF/second.log" 2>&1 || code=$?
	check "with a run directory of its own it ends with 1, too" test "$code" -eq 1
	says "and says why" "$HF/second.log" "another mapd"
	check "the first one still answers" mapctl status
	check "and is the same" test "$first" = "$MAPD_PID"
	stop_storm two
	outcome two-mapds "$rounds"
}

# Something else is at the socket's path.
socket_occupied() {
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm socket
	kill_mapd
	rm -f "$HOOK_SOCKET"
	mkdir "$HOOK_SOCKET"
	refute "mapd does not start over a directory" start_mapd
	wait "$MAPD_PID" 2>/dev/null
	check "and says what is in the way" log_says "hook.sock"
	goes_on socket
	rmdir "$HOOK_SOCKET"
	echo precious >"$HOOK_SOCKET"
	refute "nor over a file" start_mapd
	wait "$MAPD_PID" 2>/dev/null
	check "which it leaves alone" grep -q precious "$HOOK_SOCKET"
	rm "$HOOK_SOCKET"
	check "then it starts" start_mapd
	stop_storm socket
	outcome socket-occupied 2
}

# The wall clock jumps, by minutes and by decades, while containers run and start.
clock_jumps() {
	local rounds round seconds
	if [ -z "${HOLDFAST_GUEST:-}" ]; then
		skip "clock-jumps: this machine's clock is not ours to set; guests run it"
		return
	fi
	rounds=$(rounds_of 50)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	storm_policy jump
	wait_until policy_in_force jump protect
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		case $((round % 5)) in
		0) seconds=90 ;;
		1) seconds=-7200 ;;
		2) seconds=700000000 ;;
		3) seconds=-1400000000 ;;
		4) seconds=700007200 ;;
		esac
		date -s "@$(($(date +%s) + seconds))" >/dev/null || fail "round $round: the clock is set"
		goes_on steady 4 || fail "round $round: the storm goes on"
		[ $((round % 2)) -eq 0 ] || kill_mapd
		[ $((round % 2)) -eq 0 ] || start_mapd || fail "round $round: mapd starts" "$HF/mapd.log"
		make_storm jump
		start_storm jump || fail "round $round: a container starts" "$HF/jump.log"
		wait_until going jump || fail "round $round: its storm begins"
		stop_storm jump || fail "round $round: its storm ends"
		remove_storm jump
		wait_until fill_is bindings 1 || fail "round $round: its binding goes" "$HF/mapd.log"
	done
	stop_storm steady
	eventually "the reports have all of its count" told_all steady
	outcome clock-jumps "$rounds"
}

fault kill_random
fault counts_outlive_mapd
fault oom_kill
fault stopped
fault two_mapds
fault socket_occupied
fault clock_jumps
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# away: containers that are created while mapd is not there: their hooks wait at a socket
# that is held open (activate.c does what systemd does), or their fail policy decides.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

start_activated() { # mapd behind a held socket: it comes back when HOLD is removed
	"$HOLDFAST_BIN/activate" "$HOOK_SOCKET" "$HF/hold" \
		"$HOLDFAST_BIN/mapd" --run-dir "$HF/run" --bpffs "$BPFFS" --policies "$POLICIES" \
		--state-dir "$HF/state" --gate-object "$HOLDFAST_BIN/gate.bpf.o" --attach "$ATTACH" \
		>>"$HF/mapd.log" 2>&1 &
	ACTIVATE_PID=$!
	served
}
served() {
	wait_until test -s "$HOOK_SOCKET.pid"
	MAPD_PID=$(cat "$HOOK_SOCKET.pid")
	wait_until mapctl status
}
take_away() {
	touch "$HF/hold"
	rm -f "$HOOK_SOCKET.pid"
	kill -9 "$MAPD_PID"
}
bring_back() {
	rm "$HF/hold"
	served
}
end_activation() {
	touch "$HF/hold"
	kill "$ACTIVATE_PID"
	wait "$ACTIVATE_PID" 2>/dev/null
}

# The hooks wait, and their containers are bound before their first instruction.
created_while_away() {
	local rounds round starting
	rounds=$(rounds_of 100)
	check "mapd starts behind a socket that is held" start_activated
	check "a storm begins" begin_storm steady
	storm_policy waiting
	wait_until policy_in_force waiting protect
	HOOK_FAIL=closed HOOK_TIMEOUT=60000
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		POLICY=waiting make_storm waiting 1 /opt/forbidden /opt/allowed
		take_away
		start_container waiting &
		starting=$!
		wait_until our_hooks || fail "round $round: the hook waits" "$HF/waiting.log"
		goes_on steady 4 || fail "round $round: the storm goes on"
		bring_back || fail "round $round: mapd is back" "$HF/mapd.log"
		wait "$starting" || fail "round $round: the container starts" "$HF/waiting.log"
		STORMS="$STORMS waiting"
		wait_until going waiting
		stop_storm waiting 1 || fail "round $round: its storm ends"
		remove_storm waiting
	done
	stop_storm steady
	eventually "the reports have all of its count" told_all steady
	outcome created-while-away "$rounds"
	HOOK_FAIL=open HOOK_TIMEOUT=20000
	for one in $STORMS; do remove_storm "$one"; done
	end_activation
}

# Nobody holds a socket: the fail policy decides, closed or open. What started open is
# found when mapd starts, and bound; what runs in it already is told of.
found_later() {
	local rounds round doomed
	rounds=$(rounds_of 50)
	check "mapd starts" start_mapd --oci-root "$HF/$RUNTIME"
	check "a storm begins" begin_storm steady
	storm_policy later
	policy unlisted protect "$(allow_only app /opt/allowed)"
	policy doomed protect "runningProcesses: kill" "$(allow_only app /opt/allowed)"
	wait_until policy_in_force doomed protect
	wait_until policy_in_force unlisted protect
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		kill_mapd
		HOOK_FAIL=closed
		POLICY=later make_storm refused
		! start_container refused || fail "round $round: fail closed: a container is refused"
		remove_container refused
		HOOK_FAIL=open
		POLICY=later make_storm later --after /tmp/go 1 /opt/forbidden /opt/allowed
		start_container later || fail "round $round: fail open: a container starts" "$HF/later.log"
		POLICY=unlisted make_storm unlisted --after /tmp/go 1 /opt/forbidden /opt/allowed
		start_container unlisted || fail "round $round: fail open: another one starts" "$HF/unlisted.log"
		POLICY=doomed make_storm doomed --after /tmp/go 1 /opt/forbidden /opt/allowed
		start_container doomed || fail "round $round: fail open: a third one starts" "$HF/doomed.log"
		doomed=$(pid_of doomed)
		: >"$HF/mapd.log"
		start_mapd --oci-root "$HF/$RUNTIME" || fail "round $round: mapd starts" "$HF/mapd.log"
		bound later || fail "round $round: what runs is found and bound" "$HF/mapd.log"
		log_says "a process that runs already is not in its container's policy" ||
			fail "round $round: a forbidden process is told of" "$HF/mapd.log"
		wait_until has_died "$doomed" || fail "round $round: it is killed where the policy says so" "$HF/mapd.log"
		remove_container doomed
		runs unlisted || fail "round $round: and goes on"
		touch "$(rootfs_of later)/tmp/go" "$(rootfs_of unlisted)/tmp/go"
		STORMS="$STORMS later unlisted"
		wait_until going later
		wait_until going unlisted
		stop_storm later 1
		stop_storm unlisted 1
		remove_storm later
		remove_storm unlisted
	done
	stop_storm steady
	outcome found-later "$rounds"
}
has_died() { ! kill -0 "$1"; }
runs() { kill -0 "$(pid_of "$1")"; }

fault created_while_away
fault found_later
finish

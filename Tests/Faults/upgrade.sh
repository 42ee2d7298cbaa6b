#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# upgrade: mapd and the gate are replaced under a storm: by the same gate, by one with
# other instructions, by one whose maps have another layout, and back each time. The
# objects are built by `make test-programs`: gate-v2.bpf.o is of layout 2.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

V1=$HOLDFAST_BIN/gate.bpf.o
V2=$HOLDFAST_BIN/gate-v2.bpf.o
CHANGED=$HOLDFAST_BIN/gate-changed.bpf.o

directories() { find "$BPFFS" -mindepth 1 -maxdepth 1 | sed 's,.*/,,' | sort | tr '\n' ' '; }
layout_is() { [ "$(directories)" = "v$1 " ]; }
rules_are() { [ "$(mapctl status --json | plain_json | tr -d '\n ' | sed -n 's/.*"rules":{[^}]*"used":\([0-9]*\).*/\1/p')" = "$1" ]; }

# upgrade_to OBJECT: by SIGTERM, as a package does it, or by SIGKILL.
upgrade_to() {
	if [ $((round % 2)) -eq 0 ]; then kill "$MAPD_PID"; else kill -9 "$MAPD_PID"; fi
	wait "$MAPD_PID" 2>/dev/null
	start_mapd --gate-object "$1" || fail "round $round: mapd starts with $(basename "$1")" "$HF/mapd.log"
}

upgrades() { # upgrades NAME ROUNDS THERE LAYOUT BACK LAYOUT
	local there="$3" back="$5" name="$1"
	check "mapd starts" start_mapd --gate-object "$back"
	check "a storm begins" begin_storm "$name"
	round=0
	while [ "$round" -lt "$2" ]; do
		round=$((round + 1))
		upgrade_to "$there"
		layout_is "$4" || fail "round $round: only layout $4 is pinned, not $(directories)"
		bound "$name" || fail "round $round: the binding is carried over" "$HF/mapd.log"
		goes_on "$name" || fail "round $round: the storm goes on"
		upgrade_to "$back"
		layout_is "$6" || fail "round $round: only layout $6 is pinned, not $(directories)"
		status_says '"adopted":true' || fail "round $round: status says that it was taken over"
	done
	# The policy still governs it, and a new container comes under it.
	storm_policy "$name" /opt/more
	check "a policy's change reaches it" wait_until rules_are 3
	storm_policy "$name-late"
	wait_until policy_in_force "$name-late" protect
	make_storm "$name-late"
	check "a new container starts" start_storm "$name-late"
	goes_on "$name-late"
	stop_storm "$name"
	stop_storm "$name-late"
	eventually "the reports have all of its count" told_all "$name"
	outcome "$name" "$((2 * $2))"
}

# Other instructions on the same maps.
program_changed() { upgrades upgrade-program "$(rounds_of 50)" "$CHANGED" 1 "$V1" 1; }
# Longer values in bindings, reports and config.
layout_changed() { upgrades upgrade-layout "$(rounds_of 50)" "$V2" 2 "$V1" 1; }

# Containers that start while the layouts change: their seals must not get lost.
starting_meanwhile() {
	local rounds n
	rounds=$(rounds_of 50)
	check "mapd starts" start_mapd
	storm_policy meanwhile
	wait_until policy_in_force meanwhile protect
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		if [ $((round % 2)) -eq 0 ]; then object=$V1; else object=$V2; fi
		# Created, so bound but not sealed, and started while the other mapd starts.
		POLICY=meanwhile make_storm "seal$round"
		mkfifo "$(rootfs_of "seal$round")/tmp/orders"
		echo "$RUNTIME" >"$HF/bundles/seal$round/runtime"
		runtime create --bundle "$HF/bundles/seal$round" "seal$round" </dev/null >"$HF/seal$round.log" 2>&1 ||
			fail "round $round: container is created" "$HF/seal$round.log"
		STORMS="$STORMS seal$round"
		kill_mapd
		n=$((round * 37 % 20))
		(sleep "0.$((n / 10))$((n % 10))" && runtime start "seal$round" >"$HF/seal$round.log" 2>&1) &
		starter=$!
		start_mapd --gate-object "$object" || fail "round $round: mapd starts" "$HF/mapd.log"
		wait "$starter"
		wait_until going "seal$round" || fail "round $round: its storm begins" "$HF/seal$round.log"
		goes_on "seal$round"
		stop_storm "seal$round"
		remove_storm "seal$round"
	done
	check "a storm of its own begins" begin_storm last
	stop_storm last
	outcome upgrade-while-starting "$rounds"
}

fault program_changed
fault layout_changed
fault starting_meanwhile
finish

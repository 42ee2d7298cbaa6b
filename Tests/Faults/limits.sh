#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# limits: what is full, and what comes all at once.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

# Many forbidden execs at once, of one program.
burst() {
	local number
	number=$(rounds_of 100000)
	number=$((number / 4 * 4 + 4))
	check "mapd starts" start_mapd
	storm_policy burst
	wait_until policy_in_force burst protect
	make_storm burst --burst "$number" 4 /opt/forbidden
	check "the container starts" start_storm burst
	wait_until has_ended burst 4
	check "all were tried" test "$(score burst tried)" -eq "$number"
	eventually "the reports have all of its count" told_all burst
	outcome burst "$number"
}

# Map bindings takes two containers; the third is refused, and status says so.
bindings_full() {
	check "mapd starts" start_mapd --max-bindings 2
	check "the first storm begins" begin_storm one
	check "the second storm begins" begin_storm two
	storm_policy three
	wait_until policy_in_force three protect
	make_storm three
	refute "the third container is refused" start_container three
	check "and counted" test "$(counter bindingsFull)" -ge 1
	says "with a clear error" "$HF/three.log" "map bindings is full"
	stop_storm one
	stop_storm two
	outcome bindings-full 1
}

# Map rules takes four; a policy that needs more changes nothing, and status says so.
rules_full() {
	check "mapd starts" start_mapd --max-rules 4
	check "a storm begins" begin_storm rules
	storm_policy rules /opt/a /opt/b /opt/c /opt/d
	eventually "status says that the change was not taken" status_says "older version of its policy"
	check "and counts it" test "$(counter rulesFull)" -ge 1
	storm_policy rules
	refute "until it is taken back" wait_gone "older version of its policy"
	stop_storm rules
	outcome rules-full 1
}
wait_gone() { wait_until not_said "$1" && return 1; }
not_said() { ! status_says "$1"; }

# many_paths NAME COUNT: forbidden programs bad0, bad1, ...: each a path of its own.
many_paths() {
	local n=1
	(
		cd "$(rootfs_of "$1")/opt" || exit
		mv forbidden bad0
		while [ "$n" -lt "$2" ]; do
			ln bad0 "bad$n"
			n=$((n + 1))
		done
	)
}
# Different paths that were told so far, and reports whose path was lost: at most the 4,096 events
# that mapctl shows. The log has no more than 200 lines a second. Asked for once and kept: an
# emulated machine takes seconds for it.
paths_told() { grep -o '"executable":"/opt/bad[0-9]*"' "$HF/told" | sort -u | wc -l; }
unknown_told() { grep -c '"executable":"(unknown' "$HF/told"; }
# An event for each path: mapd compares the key of each that comes in.
came_or_lost() { [ $(($(counter pathKeysCompared) + $(counter eventsLost))) -eq "$1" ]; }
all_told() { events >"$HF/told" && [ $(($(paths_told) + $(unknown_told))) -eq "$1" ]; }

# More different paths than the ring buffer takes (about 1,200), while nobody reads it.
ring_full() {
	local number=1500
	check "mapd starts" start_mapd
	storm_policy ring
	wait_until policy_in_force ring protect
	make_storm ring 1 /opt/forbidden /opt/allowed /opt/bad
	many_paths ring "$number"
	echo "$RUNTIME" >"$HF/bundles/ring/runtime"
	check "a container is created" runtime create --bundle "$HF/bundles/ring" ring
	halt_mapd
	# its poststart hook asks a mapd that stands still, to its time limit
	check "and started without mapd" runtime start ring
	STORMS=ring
	wait_until has_ended ring 1
	kill -CONT "$MAPD_PID"
	check "all were tried" test "$(score ring tried)" -eq "$number"
	eventually "the event of each path came in, or is counted as lost" came_or_lost "$number"
	check "some were lost" test "$(counter eventsLost)" -gt 0
	eventually "what was lost is told by its count" all_told "$number"
	say "$(paths_told) told with their paths, $(counter eventsLost) events lost"
	outcome ring-full "$number"
}

# More different paths than map reports counts; what finds no room is told each time.
reports_full() {
	local number=17000
	if [ "$SCALE" -lt 25 ]; then
		skip "reports-full: $number paths, at SCALE=25 and above"
		return
	fi
	check "mapd starts" start_mapd
	storm_policy reports
	wait_until policy_in_force reports protect
	make_storm reports 1 /opt/forbidden - /opt/bad
	many_paths reports "$number"
	check "a container starts" start_storm reports
	wait_until has_ended reports 1
	check "all were tried" test "$(score reports tried)" -eq "$number"
	check "what found no room is counted" test "$(counter reportsFull)" -ge $((number - 16384))
	eventually "the event of each path came in, or is counted as lost" came_or_lost "$number"
	outcome reports-full "$number"
}

crowd_rootfs() { # links: 500 copies would take room
	[ -d "$HF/image" ] || storm_rootfs "$HF/image"
	cp -rl "$HF/image" "$1"
}

# Many containers start at once: each is bound before its first exec.
started_at_once() {
	local number n one
	number=$(rounds_of 500)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	storm_policy crowd
	wait_until policy_in_force crowd protect
	HOOK_TIMEOUT=60000 HOOK_FAIL=closed n=0
	while [ "$n" -lt "$number" ]; do
		n=$((n + 1))
		POLICY=crowd ROOTFS=crowd bundle "crowd$n" /bin/storm /tmp/tally --burst 20 1 /opt/forbidden
	done
	n=0
	while [ "$n" -lt "$number" ]; do
		n=$((n + 1))
		start_container "crowd$n" &
		eval "starting$n=\$!"
	done
	n=0
	while [ "$n" -lt "$number" ]; do
		n=$((n + 1))
		if eval "wait \"\$starting$n\""; then
			STORMS="$STORMS crowd$n"
		else
			fail "container $n starts" "$HF/crowd$n.log"
		fi
	done
	for one in $STORMS; do
		[ "$one" = steady ] || wait_until has_ended "$one" 1 || fail "$one: its execs end"
	done
	stop_storm steady
	check "all are bound" test "$(fill_of bindings)" -eq $((number + 1))
	outcome started-at-once "$number"
	HOOK_TIMEOUT=20000 HOOK_FAIL=open
}

fault burst
fault bindings_full
fault rules_full
fault ring_full
fault reports_full
fault started_at_once
finish

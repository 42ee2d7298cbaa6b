#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# limits: what is full, and what comes all at once.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

# Many forbidden execs at once, of one program.
burst() {
	local number
	number=$(rounds_of 100000)
	number=$((number / 4 * 4))
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

fault burst
fault bindings_full
fault rules_full
finish

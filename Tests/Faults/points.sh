#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# points: mapd is killed between any two of its updates, of maps, pins and records: before
# the first, before the second, and so on until the step needs no more. See FaultPoint.swift.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

FAULT_FILE=$HF/fault
STEP=1 # SCALE below 100: only some of the updates, others in each run
[ "$SCALE" -ge 100 ] || STEP=$((100 / (SCALE > 0 ? SCALE : 1)))
[ "$STEP" -le 3 ] || STEP=3 # no more than the shortest step has

start_with_points() { start_mapd --fault-file "$FAULT_FILE"; }
arm() { echo "$1" >"$FAULT_FILE"; }
# The number is used up: mapd killed itself. Else the step needed no such many updates. No more of
# them count from here on; the last one may be under way.
has_struck() {
	mv "$FAULT_FILE" "$FAULT_FILE.seen"
	case $(cat "$FAULT_FILE.seen") in
	0) ;;
	'' | 1)
		sleep 1
		[ "$(cat "$FAULT_FILE.seen")" = 0 ] || return 1
		;;
	*) return 1 ;;
	esac
	wait_until mapd_is_gone
}

# What must be so whatever was cut off: mapd starts, and nothing is left half done.
recovers() { # recovers BINDINGS RULES
	rm -f "$FAULT_FILE"
	if ! kill -0 "$MAPD_PID" 2>/dev/null; then
		wait "$MAPD_PID" 2>/dev/null
		start_with_points || fail "$step at $n: mapd starts again" "$HF/mapd.log"
	fi
	wait_until fill_is bindings "$1" || fail "$step at $n: $(fill_of bindings) bindings, not $1" "$HF/mapd.log"
	wait_until fill_is rules "$2" || fail "$step at $n: $(fill_of rules) rules, not $2" "$HF/mapd.log"
	[ -z "$(find "$BPFFS" -name '*_new')" ] || fail "$step at $n: a pin is left half done"
	bound points || fail "$step at $n: the storm's binding is there" "$HF/mapd.log"
	goes_on points 4 || fail "$step at $n: the storm goes on"
}

# sweep STEP DO UNDO: DO with mapd killed before its first update, its second, ...
# until it is done without a kill. UNDO makes it possible again, without faults.
sweep() {
	step=$1
	n=$((1 + $(date +%s) % STEP))
	struck=0
	while :; do
		arm "$n"
		"$2"
		if has_struck; then struck=$((struck + 1)); else break; fi
		"$3"
		n=$((n + STEP))
		rounds=$((rounds + 1))
	done
	"$3"
	say "$step: mapd was killed before $struck of $((n - 1)) updates"
	[ "$struck" -gt 0 ] || fail "$step: no update was cut off"
}

step_start() {
	kill_mapd
	start_with_points || :
}
after_start() { recovers 1 2; }

# As each process of the first start: nothing is pinned.
step_first() {
	stop_mapd
	arm "$n"
	start_with_points || :
}
after_first() {
	rm -f "$FAULT_FILE"
	if ! kill -0 "$MAPD_PID" 2>/dev/null; then
		wait "$MAPD_PID" 2>/dev/null
		start_with_points || fail "$step at $n: mapd starts again" "$HF/mapd.log"
	fi
	mapctl status >/dev/null || fail "$step at $n: the gate is attached" "$HF/mapd.log"
	[ -z "$(find "$BPFFS" -name '*_new')" ] || fail "$step at $n: a pin is left half done"
}

# Refused, or bound: its storm tells which.
step_create() {
	POLICY=visitor make_storm visitor 1 /opt/forbidden /opt/allowed
	if start_container visitor; then
		STORMS="$STORMS visitor"
		wait_until going visitor || fail "$step at $n: its storm begins" "$HF/visitor.log"
	fi
}
after_create() {
	case " $STORMS " in
	*" visitor "*)
		recovers 2 5
		bound visitor || fail "$step at $n: the container runs, and is bound" "$HF/mapd.log"
		stop_storm visitor 1 || fail "$step at $n: its storm ends"
		remove_storm visitor
		;;
	*)
		remove_container visitor
		;;
	esac
	recovers 1 2
}

step_change() {
	change=$((change + 1))
	storm_policy points "/opt/change$change"
	mapd_has_applied "/opt/change$change"
}
# Its record tells what mapd believes is in force.
mapd_has_applied() { wait_until applied_or_gone; }
applied_or_gone() { ! kill -0 "$MAPD_PID" 2>/dev/null || fill_is rules 3; }
after_change() {
	recovers 1 3
	storm_policy points
	recovers 1 2
}

step_remove() { remove_container visitor; }
prepare_remove() {
	recovers 1 2
	rm -f "$FAULT_FILE"
	POLICY=visitor make_storm visitor 1 /opt/forbidden /opt/allowed
	start_storm visitor || fail "$step at $n: a container starts" "$HF/visitor.log"
	wait_until going visitor
	stop_storm visitor 1
	GONE_TRIED=$((GONE_TRIED + $(score visitor tried)))
	STORMS=" points"
}

killed_at_any_update() {
	rounds=0 change=0
	check "mapd starts" start_with_points
	sweep first-start step_first after_first
	check "a storm begins" begin_storm points
	sweep start step_start after_start
	storm_policy visitor /opt/v1
	wait_until policy_in_force visitor protect
	HOOK_FAIL=closed
	sweep create step_create after_create
	sweep change step_change after_change
	step=remove n=0
	prepare_remove
	sweep remove step_remove prepare_remove
	remove_container visitor
	stop_storm points
	outcome killed-at-any-update "$rounds"
	HOOK_FAIL=open
}

fault killed_at_any_update
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# disk: no room, and read-only, where mapd keeps what it knows. What is bound stays bound; a
# container whose record cannot be written is refused.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

RECORDS=$HF/run/containers
fill() { dd if=/dev/zero of="$1/filler" bs=1k >/dev/null 2>&1; }
rules_are() { fill_is rules "$1"; }

begin_on_tmpfs() { # records on a disk of their own, and a container before it is full
	mkdir -p "$RECORDS"
	mount -t tmpfs -o size=64k,mode=700 tmpfs "$RECORDS"
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	storm_policy late
	wait_until policy_in_force late protect
}

# What must hold while nothing can be written: WHAT is in the error.
holds_without_disk() { # holds_without_disk ROUND WHAT
	make_storm late
	! start_container late || fail "round $1: a container that cannot be recorded is refused"
	grep -q "$2" "$HF/late.log" || fail "round $1: the error says why: $2" "$HF/late.log"
	remove_container late
	storm_policy steady "/opt/version$1" "/opt/more"
	wait_until rules_are 4 || fail "round $1: a change of policy takes effect all the same" "$HF/mapd.log"
	kill_mapd
	goes_on steady 4 || fail "round $1: the storm goes on without mapd"
	start_mapd || fail "round $1: mapd starts" "$HF/mapd.log"
	bound steady || fail "round $1: the binding is known" "$HF/mapd.log"
	wait_until rules_are 4 || fail "round $1: under the latest policy" "$HF/mapd.log"
	storm_policy steady
	wait_until rules_are 2 || fail "round $1: and follows the next change" "$HF/mapd.log"
}

works_again() { # works_again ROUND
	begin_late || fail "round $1: a container starts again" "$HF/mapd.log"
	stop_storm late
	remove_storm late
	wait_until fill_is bindings 1 || fail "round $1: $(fill_of bindings) bindings are left, not 1"
}
begin_late() { make_storm late && start_storm late && wait_until going late; }

records_full() {
	local rounds round
	rounds=$(rounds_of 20)
	begin_on_tmpfs
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		fill "$RECORDS"
		holds_without_disk "$round" "write $RECORDS"
		rm "$RECORDS/filler"
		works_again "$round"
	done
	end_on_tmpfs records-full "$rounds"
}

records_read_only() {
	local rounds round
	rounds=$(rounds_of 20)
	begin_on_tmpfs
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		mount -o remount,ro "$RECORDS"
		holds_without_disk "$round" "write $RECORDS"
		mount -o remount,rw "$RECORDS"
		works_again "$round"
	done
	end_on_tmpfs records-read-only "$rounds"
}

end_on_tmpfs() { # end_on_tmpfs NAME ROUNDS
	stop_storm steady
	outcome "$1" "$2"
	remove_storm steady
	stop_mapd
	umount "$RECORDS"
}

# A record that cannot be removed: the container's end is seen again at the next start.
removed_while_read_only() {
	begin_on_tmpfs
	check "another container starts" begin_late
	stop_storm late
	mount -o remount,ro "$RECORDS"
	remove_storm late
	eventually "its binding goes" fill_is bindings 1
	kill_mapd
	check "mapd starts over the record that is left" start_mapd
	check "the binding stays away" fill_is bindings 1
	mount -o remount,rw "$RECORDS"
	kill_mapd
	check "mapd starts" start_mapd
	check "the record is gone" test ! -e "$RECORDS/late.json"
	end_on_tmpfs removed-while-read-only 1
}

# The run directory itself: without its sockets mapd cannot serve, and says so.
run_directory_read_only() {
	mount -t tmpfs -o mode=755 tmpfs "$HF/run"
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	kill_mapd
	mount -o remount,ro "$HF/run"
	refute "mapd does not start" start_mapd
	wait "$MAPD_PID" 2>/dev/null
	check "and says on what" log_says "Read-only file system"
	check "what is pinned stays in force" goes_on steady
	mount -o remount,rw "$HF/run"
	check "then it starts" start_mapd
	check "and knows its binding" bound steady
	stop_storm steady
	outcome run-directory-read-only 1
	remove_storm steady
	stop_mapd
	umount "$HF/run"
}

# What outlives a reboot: nothing that enforcement needs.
state_directory() {
	mount -t tmpfs -o size=16k tmpfs "$HF/state"
	fill "$HF/state"
	check "mapd starts on a full state directory" start_mapd
	check "a storm begins" begin_storm steady
	mount -o remount,ro "$HF/state"
	kill_mapd
	check "mapd starts on a read-only one" start_mapd
	check "and knows its binding" bound steady
	eventually "the log says that violations are not kept" log_says "violations cannot be written"
	mount -o remount,rw,size=1m "$HF/state"
	eventually "once there is room, it says that they are" log_says "violations are written again"
	check "and they are" grep -q /opt/forbidden "$HF/state/violations/"*.json
	stop_storm steady
	outcome state-directory 2
	remove_storm steady
	stop_mapd
	umount "$HF/state"
}

fault records_full
fault records_read_only
fault removed_while_read_only
fault run_directory_read_only
fault state_directory
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# changes: policies change under load. A witness (checker.c) that is told before each change
# what the old and the new policy allow compares every verdict with both.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

checker_rootfs() {
	local one
	mkdir -p "$1/bin" "$1/opt" "$1/tmp" "$1/proc" "$1/dev" "$1/sys" "$1/etc"
	cp "$HOLDFAST_BIN/checker" "$1/bin/checker"
	for one in a b always never; do cp "$HOLDFAST_BIN/storm" "$1/opt/$one"; done
}

# tell_checkers OLD NEW: masks of the programs that are allowed: 1 a, 2 b, 4 always, 8 never
tell_checkers() {
	local one
	for one in first second; do
		"$HOLDFAST_BIN/checker" --say "$(rootfs_of "$one")/tmp/tally.policy" "$serial" "$1" "$2"
	done
}

# mask_of N: what version N of the policy allows.
mask_of() { echo "5 6 15 7 15 4 15 6" | cut -d ' ' -f $(($1 % 8 + 1)); }

write_version() { # write_version N
	case $(($1 % 8)) in
	0) checked protect app /opt/a ;;        # a program goes, another comes
	1) checked protect app /opt/b ;;
	2) checked monitor app ;;               # the mode switches
	3) checked protect app /opt/a /opt/b ;;
	4) checked protect other ;;             # the container is not named: monitor
	5) checked protect app ;;               # and named again
	6) rm "$POLICIES/checked.yaml" ;;       # no policy: not judged
	7) checked protect app /opt/b ;;        # and it comes back
	esac
}
checked() { # checked MODE CONTAINER [PATH...]
	local mode="$1" name="$2"
	shift 2
	# shellcheck disable=SC2086 # a list
	policy checked "$mode" "$(allow_only "$name" /bin/checker /opt/always "$@" $FILLERS)"
}
# A change takes a while, so that execs fall into it.
FILLERS=$(n=0 && while [ $n -lt 1000 ]; do n=$((n + 1)) && echo "/opt/filler$n"; done)

# Rule set, generation and mode of the first checker, as mapd reports them; or nothing.
in_force() {
	mapctl containers --json | plain_json | tr -d '\n ' | sed 's/{"attach/\
&/g' | grep -F '"id":"first"' | tr ',' '\n' | grep -E '"(generation|mode|ruleSetI[dD])"' | tr '\n' ' '
}
is_another() { [ "$(in_force)" != "$1" ]; }

policy_changes() {
	local changes number before old new serial=1 one
	changes=$(rounds_of 1000)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm steady
	write_version 0
	wait_until policy_in_force checked protect
	for one in first second; do
		POLICY=checked ROOTFS=checker bundle "$one" /bin/checker /tmp/tally
	done
	tell_checkers 5 5
	for one in first second; do
		check "the $one checker starts" start_storm "$one"
		wait_until going "$one"
	done
	number=0
	while [ "$number" -lt "$changes" ]; do
		old=$(mask_of "$number") number=$((number + 1)) serial=$((serial + 1))
		before=$(in_force)
		new=$(mask_of "$number")
		tell_checkers "$old" "$new"
		write_version "$number"
		wait_until is_another "$before" || fail "change $number: mapd reports another generation" "$HF/mapd.log"
		tell_checkers "$new" "$new"
	done
	for one in first second; do stop_storm "$one" 1 || fail "the $one checker ends"; done
	stop_storm steady
	outcome policy-changes "$changes"
}

# One version allows a script and not its interpreter, the next the interpreter and not the
# script: it never runs. Another script and its interpreter are allowed by both, and always run.
torn_rootfs() {
	storm_rootfs "$1"
	cp "$HOLDFAST_BIN/storm" "$1/opt/runner"
	printf '#!/opt/runner\n' >"$1/opt/whole"
	printf '#!/opt/allowed\n' >"$1/opt/torn"
	chmod 755 "$1/opt/whole" "$1/opt/torn"
}
torn_policy() { # torn_policy VERSION
	if [ $(($1 % 2)) -eq 0 ]; then set -- /opt/torn; else set -- /opt/allowed; fi
	policy torn protect "$(INTERPRETERS=listed && allow_only app /bin/storm /opt/whole /opt/runner "$@")"
}
generation() { in_force | sed -n 's/.*"generation":\([0-9]*\).*/\1/p'; }
script_changes() {
	local changes number=0 first now
	if [ "$ATTACH" = kill ]; then
		skip "script-changes: at the kill attach point the gate is asked once, about the interpreter"
		return
	fi
	changes=$(rounds_of 1000)
	check "mapd starts" start_mapd
	torn_policy 0
	wait_until policy_in_force torn protect
	POLICY=torn ROOTFS=torn bundle first /bin/storm /tmp/tally "$WORKERS" /opt/torn /opt/whole
	check "a storm of scripts begins" start_storm first
	wait_until going first
	first=$(generation) now=$first
	# As fast as mapd follows: to wait for each would leave few execs that a change falls into.
	while [ $((now - first)) -lt "$changes" ]; do
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			number=$((number + 1))
			torn_policy "$number"
			sleep 0.05
		done
		now=$(generation)
		[ "$number" -lt $((changes * 20)) ] || fail "mapd follows the changes: generation $now of $number" "$HF/mapd.log"
		[ "$number" -lt $((changes * 20)) ] || break
	done
	stop_storm first
	outcome script-changes $((now - first))
}

fault policy_changes
fault script_changes
finish

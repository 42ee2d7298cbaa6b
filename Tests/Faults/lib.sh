#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lib.sh: what the fault tests share, on top of Tests/e2e/lib.sh: containers with a
# witness of their own (storm.c), and the one line per fault. See Tests/Faults/run.
#
#   SCALE  rounds in percent of the full number, default 100
#   ONLY   names of faults, separated by commas; empty: all of the suite

faults=$(cd "$(dirname "$0")" && pwd)
here=$(cd "$faults/../e2e" && pwd)
PATIENCE=${PATIENCE:-180}
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

SCALE=${SCALE:-100}
WORKERS=${WORKERS:-2}
# Scores of storms whose containers are gone.
GONE_TRIED=0 GONE_RAN=0 GONE_ODD=0 GONE_WRONGED=0 GONE_REFUSED=0
STORMS=

rounds_of() { # rounds_of FULL: as SCALE says, at least 3
	local rounds=$(($1 * SCALE / 100))
	if [ "$rounds" -lt 3 ]; then echo 3; else echo "$rounds"; fi
}

storm_rootfs() { # /bin/storm starts the others, which are the same program
	mkdir -p "$1/bin" "$1/opt" "$1/tmp" "$1/proc" "$1/dev" "$1/sys" "$1/etc"
	cp "$HOLDFAST_BIN/storm" "$1/bin/storm"
	cp "$HOLDFAST_BIN/storm" "$1/opt/allowed"
	cp "$HOLDFAST_BIN/storm" "$1/opt/forbidden"
}

# storm_policy NAME [PATH...]: what a storm may execute, and PATHs.
storm_policy() {
	local name="$1"
	shift
	policy "$name" protect "$(allow_only app /bin/storm /opt/allowed "$@")"
}

# make_storm NAME [ARGUMENT...]: its bundle; without ARGUMENTs it goes on until told.
make_storm() {
	local name="$1"
	shift
	[ $# -gt 0 ] || set -- "$WORKERS" /opt/forbidden /opt/allowed
	POLICY=${POLICY-$name} ROOTFS=storm bundle "$name" /bin/storm /tmp/tally "$@"
}

start_storm() { # start_storm NAME: of a bundle; known by its policy or not started
	start_container "$1" || return 1
	STORMS="$STORMS $1"
}

# begin_storm NAME: policy, bundle, container.
begin_storm() {
	storm_policy "$1"
	wait_until policy_in_force "$1" protect || return 1
	make_storm "$1"
	start_storm "$1" && wait_until going "$1"
}

score() { # score NAME WHAT
	"$HOLDFAST_BIN/storm" --read "$(rootfs_of "$1")/tmp/tally" 2>/dev/null | sed -n "s/^$2 //p"
}

going() { [ "$(score "$1" tried)" -gt 0 ]; }
tried_more() { [ "$(score "$1" tried)" -gt "$2" ]; } # tried_more NAME THAN
goes_on() { wait_until tried_more "$1" $(($(score "$1" tried) + ${2:-20})); }
has_ended() { [ "$(score "$1" ended)" -ge "${2:-$WORKERS}" ]; }

stop_storm() { # stop_storm NAME [WORKERS]: no exec is under way when it returns
	touch "$(rootfs_of "$1")/tmp/tally.stop"
	wait_until has_ended "$1" "${2:-$WORKERS}"
}

# remove_storm NAME: its score stays in the sums.
remove_storm() {
	local one rest=''
	GONE_TRIED=$((GONE_TRIED + $(score "$1" tried)))
	GONE_REFUSED=$((GONE_REFUSED + $(score "$1" refused)))
	GONE_RAN=$((GONE_RAN + $(score "$1" ran)))
	GONE_ODD=$((GONE_ODD + $(score "$1" odd)))
	GONE_WRONGED=$((GONE_WRONGED + $(score "$1" wronged)))
	for one in $STORMS; do [ "$one" = "$1" ] || rest="$rest $one"; done
	STORMS=$rest
	remove_container "$1"
}

total() { # total WHAT: over all storms
	local one sum
	case $1 in
	tried) sum=$GONE_TRIED ;;
	refused) sum=$GONE_REFUSED ;;
	ran) sum=$GONE_RAN ;;
	odd) sum=$GONE_ODD ;;
	wronged) sum=$GONE_WRONGED ;;
	esac
	for one in $STORMS; do sum=$((sum + $(score "$one" "$1"))); done
	echo "$sum"
}

fill_of() { # fill_of WHAT: entries of map bindings or rules, by mapctl status
	mapctl status --json | plain_json | tr -d '\n ' | sed -n "s/.*\"$1\":{[^}]*\"used\":\([0-9]*\).*/\1/p"
}
fill_is() { [ "$(fill_of "$1")" = "$2" ]; }

status_says() { mapctl status --json | plain_json | grep -qiF -e "$1"; }
log_says() { grep -qF -e "$1" "$HF/mapd.log"; }

# The last count that was told for a storm's forbidden program.
told() { # told NAME
	events | grep -F "\"pod\":\"pod-$1\"" | grep -F '"executable":"/opt/forbidden"' |
		sed -n 's/.*"count":\([0-9]*\).*/\1/p' | tail -n 1
}
told_all() { [ "$(told "$1")" = "$(score "$1" tried)" ]; }

# outcome NAME ROUNDS: the fault's line, once all storms have been stopped, and its checks.
outcome() {
	local counted tried ran odd wronged
	counted=$(counter refused) tried=$(total tried) ran=$(total ran) odd=$(total odd) wronged=$(total wronged)
	echo "$1 rounds $2 forbidden ran $ran allowed refused $wronged counted $counted/tried $tried"
	if [ "$ran" -eq 0 ] && [ "$odd" -eq 0 ] && [ "$wronged" -eq 0 ] && [ "$tried" -gt 0 ] &&
		[ "$counted" = "$tried" ]; then
		pass "$1"
	else
		fail "$1: forbidden ran $ran, of unknown end $odd, allowed refused $wronged, counted ${counted:-none} of $tried" "$HF/mapd.log"
	fi
}

# our_hooks: the processes of hooks that ask this suite's mapd; false when there are none.
our_hooks() {
	local one found=1
	for one in $(grep -l '^oci-hook' /proc/[0-9]*/cmdline 2>/dev/null); do
		# busybox's grep sees a line to its first NUL
		tr '\0' ' ' <"$one" 2>/dev/null | grep -qF "$HOOK_SOCKET" || continue
		one=${one#/proc/}
		echo "${one%/cmdline}"
		found=0
	done
	return $found
}

# mapd stands still, all of its threads, when it returns; kill -CONT lets it go on.
halt_mapd() {
	kill -STOP "$MAPD_PID"
	wait_until is_halted
}
is_halted() { ! grep -h '^State:' "/proc/$MAPD_PID/task/"*/status | grep -qv 'T (stopped)'; }

# Each fault on maps and counters of its own.
fault() { # fault FUNCTION: in a fresh state
	local one
	[ -z "${ONLY:-}" ] || case ",$ONLY," in *",$1,"*) ;; *) return ;; esac
	GONE_TRIED=0 GONE_RAN=0 GONE_ODD=0 GONE_WRONGED=0 GONE_REFUSED=0 STORMS=
	MAPD_OPTIONS=
	echo
	say "fault $1"
	"$1"
	for one in $(all_containers); do remove_container "$one"; done
	rm -f "$POLICIES"/*.yaml
	stop_mapd
	rm -rf "$HF/run"
	mkdir -p "$HF/run"
	cat "$HF/mapd.log" >>"$HF/mapd.all.log" 2>/dev/null
	: >"$HF/mapd.log"
}

RUNTIME=$(echo "${RUNTIMES:-runc}" | cut -d ' ' -f 1)
say "Linux $(uname -r), attach point $ATTACH, cgroup $CGROUP, $RUNTIME, rounds at $SCALE%"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# capabilities: mapd with the capabilities of its unit and no others does all of its work;
# with any one of them less it does not.
systemd=$(cd "$(dirname "$0")" && pwd)
here=$systemd/../e2e
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"

UNIT=$systemd/../../packaging/systemd/mapd.service
SET=$(sed -n 's/^CapabilityBoundingSet=//p' "$UNIT" | tr '[:upper:]' '[:lower:]' | sed 's/cap_//g')
SETPRIV=/usr/bin/setpriv # busybox has one as well, without bounding sets
RUNTIME=$(echo "${RUNTIMES:-runc}" | cut -d ' ' -f 1)
# Everything that the kernel may ask for, so that a container has what mapd has not.
POWERFUL="CAP_KILL CAP_DAC_OVERRIDE CAP_SYS_ADMIN CAP_NET_ADMIN"

# only CAPABILITY...: mapd is started with these from now on.
only() {
	MAPD_WITH="$SETPRIV --no-new-privs --inh-caps=-all --bounding-set=-all$(printf ',+%s' "$@") --"
}

without() { # without CAPABILITY: prints the others of the set
	local one
	for one in $SET; do [ "$one" = "$1" ] || printf '%s ' "$one"; done
}

caps_of_mapd() { sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$MAPD_PID/status"; }

# Of another user, who lets nobody else in: as in a user namespace, or in somebody's home.
private_bundle() { # private_bundle NAME
	bundle "$1" /bin/sh -c "$OBEY"
	chown -R 1000:1000 "$HF/bundles/$1"
	chmod 700 "$HF/bundles/$1" "$(rootfs_of "$1")"
}

powerful_starts() { # a container with capabilities that mapd has not
	POLICY=caps CAPABILITIES=$POWERFUL bundle "$1" /bin/sh -c "$OBEY"
	start_container "$1"
}

private_starts() {
	POLICY=caps private_bundle "$1"
	start_container "$1"
}

fresh_mapd() { # with new pins
	for one in $(all_containers); do remove_container "$one"; done
	stop_mapd
	rm -rf "$HF/run"
	mkdir -p "$HF/run"
	start_mapd
}

adopts() { mapctl status --json | plain_json | grep -qF '"adopted":true'; }

if ! $SETPRIV --help 2>&1 | grep -q bounding-set; then
	skip "capabilities: no setpriv of util-linux"
	finish
fi
say "Linux $(uname -r), attach point $ATTACH, the unit's capabilities: $SET"
# The unit's LimitMEMLOCK, which kernels before 5.11 need: without CAP_SYS_RESOURCE mapd
# cannot raise it by itself.
# shellcheck disable=SC3045 # dash and busybox have it
ulimit -l unlimited 2>/dev/null || say "this machine does not raise the limit of locked memory"
# shellcheck disable=SC2086 # a list
only $SET
if ! start_mapd; then
	fail "mapd starts with the unit's capabilities" "$HF/mapd.log"
	finish
fi
pass "mapd starts with the unit's capabilities"
say "CapEff $(caps_of_mapd)"
# shellcheck disable=SC2086 # a list
policy caps protect "$(allow_only app $SH_RULES)"
wait_until policy_in_force caps protect
check "a container with more capabilities than mapd starts under its policy" powerful_starts powerful
foreign powerful
check "a container whose files only its user can reach starts, too" private_starts private
foreign private
for journey in protected_container nested_cgroup policy_comes_late policy_switch overlay_drift; do "$journey"; done
kill_mapd
check "another mapd starts" start_mapd
check "and takes the pins over" adopts
check "with the containers" bound powerful
foreign powerful
kill_mapd
rm "$BPFFS"/v*/rules
check "mapd starts when a map's pin is gone" start_mapd
check "and takes the gate over" adopts
foreign private

HOOK_FAIL=closed
for capability in $SET; do
	# shellcheck disable=SC2046 # a list
	only $(without "$capability")
	case $capability in
	sys_admin) refute "without $capability mapd does not start" fresh_mapd && continue ;;
	esac
	check "without $capability mapd starts" fresh_mapd
	case $capability in
	sys_ptrace) refute "but a container with more than mapd does not" powerful_starts powerful2 ;;
	dac_read_search) refute "but a container of another user's files does not" private_starts private2 ;;
	*) fail "no check knows what $capability is for" ;;
	esac
done

# What newer kernels have for programs and maps. It does not open what a pinned gate uses.
# shellcheck disable=SC2046 # a list
only $(without sys_admin) bpf perfmon
takes_over_what_is_left() {
	kill_mapd
	rm "$BPFFS"/v*/rules
	start_mapd && adopts
}
if fresh_mapd; then
	refute "with bpf and perfmon instead of sys_admin a gate that lost a pin is not taken over" takes_over_what_is_left
else
	pass "with bpf and perfmon instead of sys_admin mapd does not start"
fi
finish

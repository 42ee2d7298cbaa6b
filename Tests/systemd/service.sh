#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# service.sh: what the suites share in which mapd is the service of a real systemd, in its
# places. Only for guests: it uses the machine's own. $systemd is this folder.
# shellcheck source=Tests/Faults/lib.sh disable=SC2154 # set by the suite
. "$systemd/../Faults/lib.sh"
# The storm must leave something of an emulated processor to mapd and systemd.
WORKERS=1
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"

# The places of the units and of `make install`, not a scratch folder.
BPFFS=/sys/fs/bpf/holdfast
HOOK_SOCKET=/run/holdfast/hook.sock
CONTROL_SOCKET=/run/holdfast/control.sock
POLICIES=/etc/holdfast/policies.d
OCI_HOOK=/usr/libexec/holdfast/oci-hook
# Without mapd nothing starts: what starts was known to it. An emulated mapd takes its time.
HOOK_TIMEOUT=59000 HOOK_FAIL=closed
OBJECT=/usr/lib/holdfast/gate.bpf.o
UNITS="mapd.socket mapd-control.socket mapd.service"

mapctl() { /usr/bin/mapctl "$@"; }
start_mapd() { systemctl start mapd.service && wait_until mapctl status; }
stop_mapd() {
	journalctl -u mapd.service -o cat --no-pager >"$HF/mapd.log" 2>&1
	# shellcheck disable=SC2086 # a list
	systemctl stop $UNITS
	mapctl uninstall --yes
}
property() { systemctl show --value -p "$1" mapd.service; }
main_pid() { property MainPID; }
is_another() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ] && [ "$(property ActiveState)" = active ]; }
restarted() { [ "$(property NRestarts)" -gt "$1" ]; }
log() { journalctl -u mapd.service -o cat --no-pager; }
state_is() { [ "$(systemctl is-active "$1")" = "$2" ]; }
keys() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(main_pid)/status"; }

# outcome_so_far NAME ROUNDS: while the storm goes on its score is ahead of the counts.
outcome_so_far() {
	echo "$1 rounds $2 forbidden ran $(total ran) allowed refused $(total wronged) tried $(total tried)"
	if [ "$(total ran)" -eq 0 ] && [ "$(total wronged)" -eq 0 ] && [ "$(total odd)" -eq 0 ]; then pass "$1"; else
		fail "$1: forbidden ran $(total ran), of unknown end $(total odd), allowed refused $(total wronged)"
	fi
}

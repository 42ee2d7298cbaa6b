#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mapd.sh: start, kill and ask mapd; write policies; read events. See lib.sh.
# All of it lives in the scratch folder and in a bpffs folder of its own, so that a
# mapd that serves this machine is not disturbed.

BPFFS=/sys/fs/bpf/$(basename "$HF" | tr . _) # bpffs refuses names with a dot
RUN_DIR=${RUN_DIR:-$HF/run}
HOOK_SOCKET=$RUN_DIR/hook.sock
CONTROL_SOCKET=$RUN_DIR/control.sock
POLICIES=$HF/policies
MAPD_PID=
mkdir -p "$RUN_DIR" "$POLICIES" "$HF/state"

start_mapd() { # start_mapd [OPTION...]: returns when it answers
	local attach="$ATTACH"
	[ "$GATE" = on ] || attach=none
	# shellcheck disable=SC2086 # a command
	${MAPD_WITH:-} "$HOLDFAST_BIN/mapd" --run-dir "$RUN_DIR" --bpffs "$BPFFS" --policies "$POLICIES" \
		--state-dir "$HF/state" --gate-object "$HOLDFAST_BIN/gate.bpf.o" \
		--attach "$attach" "$@" >>"$HF/mapd.log" 2>&1 &
	MAPD_PID=$!
	wait_until mapd_answers
}

mapd_answers() {
	local code=0
	# a mapd that is gone will not answer; stop waiting for it
	kill -0 "$MAPD_PID" 2>/dev/null || limit=0
	mapctl status || code=$?
	# 1: it answers that the gate is not attached
	[ "$code" -le 1 ]
}

mapctl() { "$HOLDFAST_BIN/mapctl" --socket "$CONTROL_SOCKET" "$@"; }

kill_mapd() { # as a crash would
	kill -9 "$MAPD_PID"
	wait "$MAPD_PID" 2>/dev/null
	MAPD_PID=
}

# Stops mapd, and removes its pins: nothing may judge this machine afterwards.
stop_mapd() {
	if [ -n "$MAPD_PID" ]; then
		kill "$MAPD_PID" 2>/dev/null
		wait_until mapd_is_gone || kill -9 "$MAPD_PID"
		wait "$MAPD_PID" 2>/dev/null
		MAPD_PID=
	fi
	[ -d "$BPFFS" ] || return 0
	# A link's pin must go first, or the gate judges with half of its maps.
	find "$BPFFS" -type f -name '*link*' -exec rm {} +
	rm -rf "$BPFFS"
}

mapd_is_gone() { ! kill -0 "$MAPD_PID" 2>/dev/null; }

# policy NAME MODE [LINE...]: writes policies/NAME.yaml. Each LINE goes below
# spec:, indented by two; allow_only prints such lines.
policy() {
	local name="$1" mode="$2" line
	shift 2
	{
		echo "apiVersion: security.rancher.io/v1alpha1"
		echo "kind: WorkloadPolicy"
		echo "metadata: {name: $name, namespace: e2e}"
		echo "spec:"
		echo "  mode: $mode"
		for line in "$@"; do printf '%s\n' "$line" | sed 's/^/  /'; done
	} >"$HF/policy.new"
	# renamed into place: a reader sees all of it or none
	mv "$HF/policy.new" "$POLICIES/$name.yaml"
}

# allow_only CONTAINER PATH... [-- LINE...]: a lone rulesByContainer entry; lines
# after -- stand beside `executables`.
allow_only() {
	echo "rulesByContainer:"
	rules_for "$@"
}

rules_for() {
	echo "  $1:"
	shift
	local list='' line
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		list="$list${list:+, }$1"
		shift
	done
	echo "    executables: {allowed: [$list]${INTERPRETERS:+, interpreters: $INTERPRETERS}}"
	[ $# -eq 0 ] || shift
	for line in "$@"; do echo "    $line"; done
}

# Every spelling of the same JSON in one: no spaces after ':', no escaped '/'.
plain_json() { sed -e 's,\\/,/,g' -e 's/" *: */":/g'; }
counter() { # counter NAME: of mapctl status
	mapctl status --json | plain_json | tr ',{' '\n' | sed -n "s/^ *\"$1\":\([0-9]*\).*/\1/p" | head -n 1
}

events() { mapctl events --json | plain_json; }

# event KEY=VALUE...: some event has all of them. A value is compared without
# regard to letter case, '-' and '_'; a number has no quotes in JSON.
event() { events | has_line "$@"; }

fold_case() { tr '[:upper:]' '[:lower:]' | tr -d '_-'; }

has_line() {
	local pair key value normal
	normal=$(fold_case)
	for pair in "$@"; do
		key=$(echo "${pair%%=*}" | fold_case)
		value=$(echo "${pair#*=}" | fold_case)
		normal=$(echo "$normal" | grep -F -e "\"$key\":\"$value\"" -e "\"$key\":$value," -e "\"$key\":$value}")
	done
	[ -n "$normal" ] && echo "$normal"
}

# policy_in_force NAME MODE: its file has been read and is good. Says nothing about
# which version, so a case that needs a certain version gives it a name of its own.
policy_in_force() {
	mapctl policies --json | plain_json | tr -d '\n' | sed 's/"boundContainersCount"/\
&/g' | grep -F "\"name\":\"$1\"" | grep -F "\"mode\":\"$2\"" | grep -qF '"state":"inForce"'
}

bound() { mapctl containers --json | plain_json | grep -qF "\"id\":\"$1\""; }
unbound() { mapctl containers && ! bound "$1"; }

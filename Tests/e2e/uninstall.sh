#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uninstall: mapctl takes the gate down: only when mapd is gone, only when told so, and
# when it returns nothing is refused any more.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"

RUNTIME=$(echo "${RUNTIMES:-runc}" | cut -d ' ' -f 1)

uninstall() { "$HOLDFAST_BIN/mapctl" uninstall --bpffs "$BPFFS" --run-dir "$HF/run" "$@" </dev/null; }

# on_terminal ANSWER: asked on a terminal, which answers.
on_terminal() {
	(sleep 1 && echo "$1") | script -qec \
		"$HOLDFAST_BIN/mapctl uninstall --bpffs $BPFFS --run-dir $HF/run" /dev/null
}

still_refuses() {
	refuse=$((${refuse:-0} + 1))
	check "$1: the gate still refuses" refused keep /bin/touch "/tmp/still$refuse"
}

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
# shellcheck disable=SC2086 # a list
protect keep $SH_RULES
check "while mapd runs it is refused" ends_with 4 uninstall --yes
says "with the command that stops it" "$HF/check.log" "mapd runs" "systemctl disable --now mapd.socket"
still_refuses "then"

kill_mapd
check "without a terminal and without --yes it is refused" ends_with 2 uninstall
says "and --yes is named" "$HF/check.log" --yes
if command -v script >/dev/null; then
	check "asked, and told no: exit code 1" ends_with 1 on_terminal no
	says "it has said whom it would leave unprotected" "$HF/check.log" "no longer be protected" pod-keep e2e/keep
	says "and that nothing was changed" "$HF/check.log" "stays in force"
else
	skip "uninstall: no script(1) to make a terminal with"
fi
still_refuses "after that"
# Somebody listens for mapd, as systemd does.
rm -f "$HOOK_SOCKET"
if command -v python3 >/dev/null; then
	python3 -c "import socket,time; s=socket.socket(socket.AF_UNIX); s.bind('$HOOK_SOCKET'); s.listen(); open('$HF/listens','w'); time.sleep(1000)" &
	listener=$!
	wait_until test -e "$HF/listens"
	check "while its socket is listened on it is refused" ends_with 4 uninstall --yes
	says "and the unit is named" "$HF/check.log" mapd.socket
	kill $listener
	wait $listener 2>/dev/null
	still_refuses "after that"
else
	skip "uninstall: nothing here to listen on a socket with"
fi

# In one shell: nothing can happen in between.
check "with --yes it takes the gate down" uninstall --yes
mv "$HF/check.log" "$HF/uninstall.log"
check "at once: the container may run anything" in_shell keep '/bin/touch /tmp/witness'
check "it did run" ran keep
says "it has said who is no longer protected" "$HF/uninstall.log" "no longer protected" /app e2e/keep
refute "no pin is left" test -e "$BPFFS"
check "once more there is nothing to do" ends_with 0 uninstall --yes
says "and it says so" "$HF/check.log" "nothing is pinned"
uninstall --yes --json | plain_json >"$HF/json.log"
says "also in JSON" "$HF/json.log" '"wasAttached":[' '"containers":['

check "mapd can start anew" start_mapd
check "finds the container" bound keep
check "and protects it again" refused keep /bin/touch /tmp/again
finish

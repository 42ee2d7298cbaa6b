#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# activation: mapd with the sockets that a service manager holds for it, and what it tells
# it. With supervise.py in systemd's place, on any machine; guest.sh has the real one.
systemd=$(cd "$(dirname "$0")" && pwd)
here=$systemd/../e2e
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"

RUNTIME=$(echo "${RUNTIMES:-runc}" | cut -d ' ' -f 1)
SUPERVISED=$HF/run

if ! command -v python3 >/dev/null; then
	skip "activation: no python3 to be the service manager"
	finish
fi
told() { grep -qx "$1" "$SUPERVISED/notified"; } # told LINE
told_often() { [ "$(grep -cx "$1" "$SUPERVISED/notified")" -ge "$2" ]; }
waits() { [ -d "/proc/$1" ]; }

python3 "$systemd/supervise.py" "$SUPERVISED" "$HOLDFAST_BIN/mapd" --run-dir "$SUPERVISED" --bpffs "$BPFFS" \
	--policies "$POLICIES" --gate-object "$HOLDFAST_BIN/gate.bpf.o" --attach "$ATTACH" >"$HF/mapd.log" 2>&1 &
supervisor=$!
check "the sockets are there before mapd" wait_until test -S "$HOOK_SOCKET"
# shellcheck disable=SC2086 # a list
policy waits protect "$(allow_only app $SH_RULES)"
POLICY=waits bundle waits /bin/sh -c "$OBEY"
start_container waits &
starting=$!
sleep 2
check "a container's hook waits for mapd" waits $starting
touch "$SUPERVISED/start"
check "and the container starts when mapd has" wait $starting
MAPD_PID=$(cat "$SUPERVISED/pid")
check "the hook was answered on the hooks' socket, by its name" bound waits
foreign waits
check "mapd says that it is ready" wait_until told READY=1
check "and goes on to say that it works" wait_until told_often WATCHDOG=1 5
kill -STOP "$MAPD_PID"
sleep 0.5 # for what is under way
before=$(wc -l <"$SUPERVISED/notified")
sleep 2
check "not when it stands still" [ "$(wc -l <"$SUPERVISED/notified")" -eq "$before" ]
kill -CONT "$MAPD_PID"
check "but afterwards" wait_until told_often WATCHDOG=1 $((before + 2))
refute "it has not said that it stops" told STOPPING=1
kill "$MAPD_PID"
wait $supervisor
MAPD_PID=
check "it says that it stops" told STOPPING=1
check "and leaves the sockets to the manager" test -S "$HOOK_SOCKET"
check "the gate stays in force" refused waits /bin/touch /tmp/later
finish

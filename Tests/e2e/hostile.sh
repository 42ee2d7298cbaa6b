#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hostile: a local user who may read, and one who may not. Neither keeps hooks from being served, changes
# anything, or reads what is root's.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

# A group that every Debian has; mapd here is root and in no need of being in it.
GROUP=users
SECONDS_OF_ATTACK=${SECONDS_OF_ATTACK:-12}
# Hooks before, and again during the attack.
HOOKS_RUN=${HOOKS_RUN:-300}
FILE=$HF/mapd.yaml
# Seen by everybody: what is refused must be refused by the files in it.
chmod 755 "$HF" "$RUN_DIR"
mkdir -p "$HF/bin"
cp "$HOLDFAST_BIN/mapctl" "$here/hostile.py" "$HF/bin/"

stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
reader() { setpriv --reuid 65534 --regid 65534 --groups "$(getent group "$GROUP" | cut -d: -f3)" "$@"; }
as_reader() { reader "$HF/bin/mapctl" --socket "$CONTROL_SOCKET" "$@"; }
as_stranger() { stranger "$HF/bin/mapctl" --socket "$CONTROL_SOCKET" "$@"; }
connects() { "$1" /usr/bin/python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$2"; }
descriptors() { find "/proc/$MAPD_PID/fd" -mindepth 1 | wc -l; }
memory() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$MAPD_PID/status"; }
answered() { # hooks that mapd has answered
	curl -sf --unix-socket "$RUN_DIR/metrics.sock" http://localhost/metrics |
		awk '$1 == "holdfast_hook_requests_total{operation=\"poststop\",outcome=\"removed\"}" {print $2}'
}
hook_times() { /usr/bin/python3 "$here/hooktimes.py" "$HOOKS_RUN" "$HOLDFAST_BIN/oci-hook" --socket "$HOOK_SOCKET" --timeout "$HOOK_TIMEOUT" poststop; }

closed() { # by default nobody but root has anything to do with mapd
	local socket
	for socket in hook control metrics; do
		refute "a stranger does not reach $socket.sock" connects stranger "$RUN_DIR/$socket.sock"
		says "because it may not" "$HF/check.log" "PermissionError"
		refute "nor does a member of $GROUP" connects reader "$RUN_DIR/$socket.sock"
	done
	policy web protect "$(allow_only app /bin/sh)"
	wait_until policy_in_force web protect
	POLICY=web bundle web /bin/sh -c "$OBEY"
	check "a container is protected" start_container web
	check "it violates its policy" refused web /bin/touch /tmp/x
	eventually "which is on record" on_record
	secrets stranger
}
on_record() { mapctl violations --json | grep -q /bin/touch; }

secrets() { # of what mapd writes: paths, arguments, policies
	"$1" find "$RUN_DIR" "$HF/state" "$BPFFS" -type f -readable >"$HF/readable" 2>/dev/null
	check "a $1 can read no file of mapd's: $(head -n 1 "$HF/readable")" [ ! -s "$HF/readable" ]
	"$1" find "$RUN_DIR" "$HF/state" "$BPFFS" ! -type s -writable >"$HF/writable" 2>/dev/null
	check "nor write one" [ ! -s "$HF/writable" ]
}

read_only() { # sockets.group
	kill_mapd
	printf 'sockets: {group: %s}\n' "$GROUP" >"$FILE"
	check "mapd starts with a group that may read" start_mapd --config "$FILE"
	for command in status containers policies events violations; do
		as_reader "$command" >"$HF/read" 2>&1
		check "a member reads $command" [ $? -le 1 ]
	done
	as_reader containers >"$HF/read"
	says "with all there is" "$HF/read" web
	refute "but changes nothing" as_reader policies mode e2e/web monitor --yes
	says "and is told why" "$HF/check.log" "only root may change something"
	refute "nor may it have the gate tell of each exec" as_reader trace web
	says "for the same reason" "$HF/check.log" "only root may change something"
	check "the policy is as it was" grep -q 'mode: protect' "$POLICIES/web.yaml"
	refute "a stranger still reads nothing" as_stranger status
	refute "and a member does not reach the hooks' socket" connects reader "$HOOK_SOCKET"
	secrets reader
}

attacked() {
	local before lines memory_before quiet loud answered_before i=0
	before=$(descriptors)
	memory_before=$(memory)
	hook_times >"$HF/quiet"
	answered_before=$(answered)
	lines=$(wc -l <"$HF/mapd.log")
	for socket in control metrics; do
		reader /usr/bin/python3 "$HF/bin/hostile.py" "$RUN_DIR/$socket.sock" "$SECONDS_OF_ATTACK" >"$HF/attack.$socket" 2>&1 &
	done
	stranger /usr/bin/python3 "$HF/bin/hostile.py" "$HOOK_SOCKET" "$SECONDS_OF_ATTACK" >"$HF/attack.hook" 2>&1 &
	sleep 2
	hook_times >"$HF/loud"
	while [ "$i" -lt 3 ]; do
		i=$((i + 1))
		POLICY=web bundle "during-$i" /bin/sh -c "$OBEY"
		HOOK_FAIL=closed check "container $i starts during the attack" start_container "during-$i"
		check "and is protected" refused "during-$i" /bin/touch /tmp/x
	done
	check "descriptors are bounded: $(descriptors)" [ "$(descriptors)" -le $((before + 300)) ]
	check "root is answered meanwhile" mapctl status
	wait_until attack_is_over
	read -r _ quiet _ <"$HF/quiet"
	read -r _ loud failed <"$HF/loud"
	say "hooks: median and p99 in us, failed: $(cat "$HF/quiet") before, $(cat "$HF/loud") during: p99 times $((loud * 100 / quiet))/100"
	say "the attack: control $(tail -n 1 "$HF/attack.control"), metrics $(tail -n 1 "$HF/attack.metrics"), hook $(tail -n 1 "$HF/attack.hook")"
	check "no hook failed" [ "$failed" -eq 0 ]
	check "each of the $HOOKS_RUN was answered by mapd" [ $(($(answered) - answered_before)) -eq "$HOOKS_RUN" ]
	says "the hooks' socket answered nothing of the attack" "$HF/attack.hook" '"answered": 0'
	says "the others did serve it" "$HF/attack.control" '"tried":'
	eventually "its descriptors are free again" few_descriptors $((before + 20))
	check "memory is bounded: $(memory) kB, $memory_before before" [ "$(memory)" -lt $((memory_before + 150000)) ]
	check "the log is bounded" [ $(($(wc -l <"$HF/mapd.log") - lines)) -lt 200 ]
	check "who was turned away is counted" [ "$(turned_away)" -gt 0 ]
	check "the same mapd answers" kill -0 "$MAPD_PID"
	check "the policy is as it was" grep -q 'mode: protect' "$POLICIES/web.yaml"
}
attack_is_over() { ! pgrep -f "$HF/bin/hostile.py"; }
few_descriptors() { [ "$(descriptors)" -le "$1" ]; }
turned_away() {
	curl -sf --unix-socket "$RUN_DIR/metrics.sock" http://localhost/metrics |
		awk 'index($1, "holdfast_connections_refused_total{") == 1 {sum += $2} END {print sum + 0}'
}

# Fewer descriptors than there are connections: when they are free again, it goes on.
exhausted() {
	local limit
	limit=$(($(descriptors) + 8))
	kill_mapd
	printf 'sockets: {group: %s}\n' "$GROUP" >"$FILE"
	MAPD_WITH="prlimit --nofile=$limit" check "mapd starts with $limit descriptors" start_mapd --config "$FILE"
	reader /usr/bin/python3 "$HF/bin/hostile.py" "$CONTROL_SOCKET" 4 >"$HF/attack.control" 2>&1
	check "afterwards hooks are answered" test "$(hook_times | cut -d' ' -f3)" -eq 0
	# Those that came meanwhile and are gone are taken from the queue a few a second.
	PATIENCE=240 eventually "and mapctl" mapctl status
	check "by the same mapd" kill -0 "$MAPD_PID"
}

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
for journey in ${ONLY:-closed read_only attacked exhausted}; do
	"$journey"
done
finish

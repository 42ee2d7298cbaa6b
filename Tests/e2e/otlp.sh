#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# otlp: violations and learned executables reach an OpenTelemetry collector as log records, decoded by the
# official definitions; also one that is down, slow, busy or unwilling, and never at the node's cost.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

FILE=$HF/mapd.yaml
OTLP=$HF/otlp
PORT=$((20000 + $$ % 20000))
COLLECTOR=
mkdir -p "$OTLP"
: >"$OTLP/records"
: >"$OTLP/requests"

PYTHON=$("$here/../../tools/fetch-otlp" 2>"$HF/python.log" | tail -n 1)
if [ -z "$PYTHON" ]; then
	skip "no official definitions: $(tail -n 1 "$HF/python.log")"
	PASSED=1
	finish
fi

behave() { echo "$*" >"$OTLP/behaviour.new" && mv "$OTLP/behaviour.new" "$OTLP/behaviour"; }
start_collector() { # start_collector [SOCKET]
	"$PYTHON" "$here/collector.py" "${1:-$PORT}" "$OTLP" >>"$HF/collector.log" 2>&1 &
	COLLECTOR=$!
}
stop_collector() {
	kill "$COLLECTOR" && wait "$COLLECTOR" 2>/dev/null
	COLLECTOR=
}
configure() { # configure LINE...: of otlp
	{
		echo "otlp:"
		printf '  %s\n' "endpoint: ${ENDPOINT:-http://127.0.0.1:$PORT}" "interval: 1" "timeout: 2" "$@"
	} >"$FILE"
}
reconfigure() {
	local before
	before=$(grep -c "configuration read again" "$HF/mapd.log")
	configure "$@"
	kill -HUP "$MAPD_PID"
	wait_until more_reloads "$before"
}
more_reloads() { [ "$(grep -c "configuration read again" "$HF/mapd.log")" -gt "$1" ]; }

received() { # received WORD...: a record that the collector has taken has every WORD
	local word lines
	lines=$(cat "$OTLP/records")
	for word in "$@"; do lines=$(echo "$lines" | grep -F -e "$word") || return 1; done
	echo "$lines"
}
arrived() { [ "$(received "$1" | wc -l)" -eq "$2" ]; } # arrived WORD NUMBER
metric() {
	curl -sf --unix-socket "$RUN_DIR/metrics.sock" http://localhost/metrics | awk -v name="$1" '$1 == name {print $2}'
}
records() { metric "holdfast_otlp_records_total{outcome=\"$1\"}"; }
grew() { [ "$(records "$1")" -ge "$2" ]; }
answered() { grep -q "^$1 " "$OTLP/requests"; } # the collector has done so once

# A violation of its own: a file of that name in the container.
violate() { tell web "ln /bin/true /tmp/$1 2>/dev/null; /tmp/$1"; }

sent() {
	check "a violation" violate first
	eventually "arrives" received '"process.executable.path": "/tmp/first"'
	received /tmp/first >"$HF/record"
	says "with its event name and severity" "$HF/record" '"event": "holdfast.violation"' '"severity": 13' '"text": "WARN"'
	says "with node, pod and container" "$HF/record" "\"host.name\": \"$(uname -n)\"" "\"k8s.node.name\": \"$(uname -n)\"" \
		'"service.name": "holdfast"' '"k8s.namespace.name": "e2e"' '"k8s.pod.name": "pod-web"' '"k8s.container.name": "app"' '"container.id": "web"'
	says "with policy, mode and reason" "$HF/record" '"holdfast.policy.name": ["web"]' '"holdfast.policy.namespace": ["e2e"]' \
		'"holdfast.mode": "monitor"' '"holdfast.reason": "notListed"' '"holdfast.count": 1' '"process.user.id": 0'
	says "and a sentence" "$HF/record" '"body": "reported /tmp/first: no policy lists the executable'
	check "its time is that of the exec" recent "$HF/record"
	LEARN=true bundle pupil /bin/sh -c "$OBEY"
	check "a container is learned" start_container pupil
	eventually "what it executes arrives as learned" received '"event": "holdfast.executable.learned"' '"severity": 9' '"k8s.pod.name": "pod-pupil"' '"process.executable.path": "/bin/sh"'
	remove_container pupil
	tell web 'name=$(printf "/tmp/b\377\nx"); ln /bin/true "$name"; "$name"'
	eventually "a name that is no text is sent as text" received '/tmp/b' 'x"'
	check "and nothing of it was sent twice" arrived '"/tmp/first"' 1
}
recent() { [ $(($(date +%s) - $(sed 's/.*"time": \([0-9]*\).*/\1/' "$1") / 1000000000)) -lt 600 ]; }

down() {
	stop_collector
	check "without a collector a violation" violate unheard
	eventually "waits" test "$(metric holdfast_otlp_queue_records)" -ge 0
	eventually "is tried" said "log records wait for the collector"
	POLICY=web bundle other /bin/sh -c "$OBEY"
	HOOK_FAIL=closed check "containers start as ever" start_container other
	remove_container other
	start_collector
	eventually "and arrives when there is one" received /tmp/unheard
	check "once" arrived '"/tmp/unheard"' 1
	eventually "which is said" said "the collector takes log records again"
}
said() { grep -qF "$1" "$HF/mapd.log"; }

busy() { # busy STATUS: with a Retry-After of 3 s
	behave "$1" 3
	violate "during-$1"
	eventually "a collector that answers $1" answered "$1"
	behave ok
	eventually "is sent it again" received "/tmp/during-$1"
	check "once" arrived "\"/tmp/during-$1\"" 1
	check "not before the 3 s that it asked for" spaced "$1"
}
# Between the last refusal and the request after it.
spaced() { awk -v status="$1" '{if (last == status && $1 == 200) {pause = $2 - at} last = $1; at = $2} END {exit pause < 3}' "$OTLP/requests"; }

slow() {
	behave slow 60
	violate unanswered
	eventually "a collector that does not answer" answered slow
	behave ok
	eventually "is sent it again" received /tmp/unanswered
	check "once" arrived '"/tmp/unanswered"' 1
}

unwilling() {
	local before
	before=$(records rejected)
	behave 400
	violate unwanted
	eventually "a collector that answers 400 is not asked again: that is counted" grew rejected $((before + 1))
	says "and said" "$HF/mapd.log" "the collector refused log records; they are dropped"
	behave partial 1
	violate half
	eventually "so is what it takes only in part" grew rejected $((before + 2))
	behave ok
	violate willing
	eventually "the next ones arrive" received /tmp/willing
	refute "the unwanted one does not" received /tmp/unwanted
	check "mapctl status counts what nobody gets" [ "$(counter logRecordsUnsent)" -eq $((before + 2)) ]
}

bounded() {
	stop_collector
	check "with a small queue" reconfigure "queueBytes: 65536"
	tell web 'for i in $(seq 200); do ln /bin/true /tmp/flood-$i; /tmp/flood-$i; done'
	eventually "what finds no room is dropped and counted" grew dropped 1
	check "memory is bounded" [ "$(metric holdfast_otlp_queue_bytes)" -le 65536 ]
	start_collector
	eventually "the first ones arrive" received '/tmp/flood-1"'
	eventually "and nothing is left" empty
	check "each is sent or counted as dropped" [ $(($(received /tmp/flood- | wc -l) + $(records dropped))) -eq 200 ]
}
empty() { [ "$(metric holdfast_otlp_queue_records)" = 0 ]; }

elsewhere() { # the endpoint is changed while mapd runs
	stop_collector
	start_collector "$HF/otlp.sock"
	ENDPOINT=unix:$HF/otlp.sock check "to a Unix socket" reconfigure 'headers: {X-Token: secret}'
	violate by-socket
	eventually "it arrives there" received /tmp/by-socket
	check "with the headers that are set" grep -q 'secret$' "$OTLP/requests"
	check "at the protocol's path" grep -q ' /v1/logs secret$' "$OTLP/requests"
	violate last
	wait_until said 'last"'
	kill "$MAPD_PID"
	check "mapd that ends sends what it has" wait_until received /tmp/last
	wait "$MAPD_PID"
	MAPD_PID=
	printf 'otlp: {endpoint: "https://collector:4318"}\n' >"$FILE"
	refute "TLS is refused with its remedy" "$HOLDFAST_BIN/mapd" --config "$FILE" --check-config
	says "which is a collector on the node" "$HF/check.log" "send to a collector on this node"
	printf 'otlp: {headers: {"X: y": z}}\n' >"$FILE"
	refute "what is no header is refused" "$HOLDFAST_BIN/mapd" --config "$FILE" --check-config
}

configure
behave ok
start_collector
if ! start_mapd --config "$FILE"; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
policy web monitor "$(allow_only app /bin/sh /bin/ln /bin/seq)"
wait_until policy_in_force web monitor
POLICY=web bundle web /bin/sh -c "$OBEY"
check "a container is monitored" start_container web
for journey in sent down "busy 503" "busy 429" slow unwilling bounded elsewhere; do
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "${journey% *}" ] || continue
	$journey
done
[ -z "$COLLECTOR" ] || stop_collector
finish

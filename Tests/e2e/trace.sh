#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# trace: mapctl trace shows each exec of a container with its verdict, allowed ones too, and
# changes nothing: no verdict, no count, no report is lost for it, and it ends with who follows.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/Faults/lib.sh
. "$here/../Faults/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"
RUNTIME=$(echo "${RUNTIMES:-runc}" | cut -d ' ' -f 1)
# Execs of the burst.
EXECS=${EXECS:-20000}

begin_trace() { # begin_trace CONTAINER...: into $HF/trace
	"$HOLDFAST_BIN/mapctl" --socket "$CONTROL_SOCKET" trace "$@" --json >"$HF/trace" 2>"$HF/trace.log" &
	TRACER=$!
}
end_trace() {
	kill "$TRACER"
	wait "$TRACER" 2>/dev/null
}
traced() { plain_json <"$HF/trace" | has_line "$@"; }
# Of allowed execs there is a line only while somebody traces.
shows() { # shows CONTAINER PROGRAM VERDICT
	in_shell "$1" "$2" >/dev/null 2>&1
	traced "containerId=$1" "executable=$2" "verdict=$3"
}
# The gate itself has stopped: what it tells is counted as compared.
tells() { counter pathKeysCompared; }
is_silent() {
	local before
	before=$(tells)
	in_shell one /bin/true && in_shell one /bin/true && [ "$(tells)" = "$before" ]
}

of_one_container() {
	protect one /bin/sh /bin/true
	protect two /bin/sh /bin/true
	check "nobody traces: allowed execs are not told" is_silent
	begin_trace one
	eventually "an allowed exec is shown" shows one /bin/true allow
	check "with its reason" traced executable=/bin/true verdict=allow reason=listed
	check "a foreign one is refused all the same" refused one /bin/touch /tmp/witness
	eventually "and shown" traced executable=/bin/touch verdict=refuse reason=notListed
	eventually "it is reported as well" event containerId=one executable=/bin/touch verdict=refuse count=1
	in_shell two /bin/true
	in_shell one /bin/true
	refute "what others do is not shown" traced containerId=two
	refute "an allowed exec is no event" event verdict=allow
	end_trace
	eventually "who traced is gone: so is the trace" is_silent
}

of_all() {
	begin_trace
	eventually "of all containers: one" shows one /bin/true allow
	eventually "and the other" shows two /bin/true allow
	kill_mapd
	wait "$TRACER"
	check "mapd is killed: mapctl says so and ends" grep -q 'closed the connection' "$HF/trace.log"
	check "the next mapd starts" start_mapd
	eventually "and the gate tells of none any more" is_silent
}

mistyped() {
	local code=0
	mapctl trace nobody >"$HF/typed" 2>&1 || code=$?
	check "no such container: exit 4" [ "$code" -eq 4 ]
	says "and what to do" "$HF/typed" "there is no container nobody" "mapctl containers"
}

lost_some() { [ "$(counter tracesLost)" -gt 0 ]; }

# More than anybody reads: lines are lost and counted, reports and counts are not.
burst() {
	local before
	storm_policy burst
	wait_until policy_in_force burst protect
	before=$(counter refused)
	begin_trace
	eventually "a trace has begun" shows one /bin/true allow
	kill -STOP "$TRACER"
	make_storm burst --burst "$EXECS" 2 /opt/forbidden
	check "a burst of $EXECS forbidden execs, traced by one that does not read" start_storm burst
	eventually "it is over" has_ended burst 2
	kill -CONT "$TRACER"
	eventually "all are counted" [ "$(($(counter refused) - before))" = "$EXECS" ]
	eventually "and told as one report" event pod=pod-burst executable=/opt/forbidden "count=$EXECS"
	check "no report was lost" [ "$(counter eventsLost)" = 0 ]
	eventually "what of the trace was, is counted" lost_some
	say "$(counter tracesLost) of $EXECS lines lost"
	check "none of them ran" [ "$(score burst ran)" = 0 ]
	end_trace
}

# A mapd that stands still reads nothing: of the ring buffer, which has room for about 1,200
# events, traces take a half, and a report finds room in the other.
leaves_room() {
	protect still /bin/sh /bin/true
	begin_trace
	eventually "of all containers again" shows still /bin/true allow
	halt_mapd
	check "2,000 execs are traced, and nobody reads" in_shell still \
		'n=0; while [ $n -lt 2000 ]; do /bin/true; n=$((n + 1)); done'
	check "a foreign one is refused" refused still /bin/touch /tmp/witness
	kill -CONT "$MAPD_PID"
	eventually "its report is there" event containerId=still executable=/bin/touch verdict=refuse count=1
	check "no report was lost" [ "$(counter eventsLost)" = 0 ]
	check "of the trace more than half was" [ "$(counter tracesLost)" -gt 1000 ]
	end_trace
}

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
for scenario in of_one_container of_all mistyped leaves_room burst; do
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$scenario" ] || continue
	"$scenario"
done
finish

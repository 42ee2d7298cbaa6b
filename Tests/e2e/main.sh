#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# main: the main journey with real containers, once for each runtime: a container
# starts, its policy is in the kernel before its first instruction, foreign execs
# are refused and reported. What a case does is in journeys.sh.
here=$(cd "$(dirname "$0")" && pwd)
# With the gate off nothing will come that has not come at once.
[ "${GATE:-on}" = on ] || PATIENCE=${PATIENCE:-5}
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"

say "Linux $(uname -r), attach point $ATTACH, cgroup $CGROUP, gate $GATE"
if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
pass "mapd starts"
mapctl status --json | plain_json >"$HF/status.log"
says "status names the attach point $ATTACH" "$HF/status.log" "\"attachPoint\":\"$ATTACH\""

for RUNTIME in ${RUNTIMES:-runc crun}; do
	say "$(runtime --version | head -n 1)"
	if ! runtime_works; then
		# Only where the runtime itself has given an old layout up.
		if [ "$CGROUP" = v2 ] || [ "$RUNTIME" = runc ]; then
			fail "$RUNTIME runs a container" "$PROBLEM"
		else
			skip "$RUNTIME does not run here: $(tail -n 1 "$PROBLEM")"
		fi
		continue
	fi
	for journey in $JOURNEYS; do
		[ -z "${ONLY:-}" ] || [ "$ONLY" = "$journey" ] || continue
		"$journey"
	done
done

check "mapd still answers" mapctl status
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# paths: BPF and Swift agree on the key of every path. A container in learn mode
# executes PATHS random paths; mapd computes the key of each path that the gate
# reports anew and compares. PATHS: 100000 here, fewer in a guest.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
if [ -n "${HOLDFAST_GUEST:-}" ]; then PATHS=${PATHS:-2000}; else PATHS=${PATHS:-100000}; fi
RUNTIME=${RUNTIMES:-runc}
RUNTIME=${RUNTIME%% *}

# Short random paths come up again, and a path is reported once.
nearly_all_compared() { [ "$(counter pathKeysCompared)" -ge $((PATHS * 9 / 10)) ]; }

start_mapd || fail "mapd starts" "$HF/mapd.log"
policy paths learn "$(allow_only app /bin/sh)"
wait_until policy_in_force paths learn
plain_rootfs "$(rootfs_of paths)"
cp "$HOLDFAST_BIN/paths" "$(rootfs_of paths)/paths"
POLICY=paths bundle paths /paths "$PATHS" "${SEED:-$(date +%s)}"
check "$PATHS random paths are executed" run_bundle paths
eventually "nine of ten and more are new and reported" nearly_all_compared
differing=$(counter pathKeysDiffering)
check "the gate's key and mapd's differ for $differing of $(counter pathKeysCompared) paths" \
	test "$differing" = 0
mapctl events --json >"$HF/events" 2>"$HF/check.log"
check "mapctl is handed all that mapd keeps ($(wc -l <"$HF/events") events), to the end" test ! -s "$HF/check.log"
check "no event was lost" test "$(counter eventsLost)" = 0
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# row.sh DRIVER VERSION [LOW [LOW-VERSION]]: one row of the table, in a view of its own. Writes
# "cell|what it shows" lines to $RESULTS, "skip|reason" when the runtime cannot run here.
tests=$(cd "$(dirname "$0")" && pwd)
here=$tests/../e2e
RUN_DIR=/run/holdfast
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/runtimes/cells.sh
. "$tests/cells.sh"
DRIVER=$1 VERSION=$2 LOW=${3:-} LOW_VERSION=${4:-}
HOOKED=yes
tools=$tests/../../tools
# shellcheck source=Tests/runtimes/cost.sh
. "$tests/cost.sh"
# shellcheck source=/dev/null # one of the drivers
. "$tests/$DRIVER.sh"

end() {
	trap - EXIT
	for one in both skipped bare nested own brief a first early failed open closed exempt slow shut; do halt "$one" >/dev/null 2>&1; done
	conclude >/dev/null 2>&1
	[ -z "${LISTENER:-}" ] || kill "$LISTENER"
	stop_all
}
trap end EXIT

mkdir -p "$HF/witness"
chmod 777 "$HF/witness"
python3 "$tests/listener.py" "$HF/log.sock" "$HF/system.log" &
LISTENER=$!
policy runtime protect "$(allow_only app /bin/sh /bin/sleep /bin/true)"
hook_configuration "$ORDINARY"
PROBLEM=unknown
if ! prepare >"$HF/prepare.log" 2>&1; then
	cat "$HF/prepare.log"
	echo "skip|$PROBLEM" >>"$RESULTS"
	exit 0
fi
start_mapd || fail "mapd starts" "$HF/mapd.log"
cell bind bound
cell refuse refused
cell exec allowed
cell stop unbound
cell adopt bound
cell hook-fails not-started
cell mapd-absent by-policy
cell hang by-policy
if command -v also >/dev/null; then
	say also
	BROKEN=
	want "mapd is there" serving
	also
	echo "also|${BROKEN:-held}" >>"$RESULTS"
fi
[ "${COST:-0}" = 0 ] || cost
cp "$HF/mapd.log" "$LOGS/$ROW.mapd.log"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# config: mapd.yaml - checked without a mapd, read at the start, read again by SIGHUP; a file with a
# mistake changes nothing.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

FILE=$HF/mapd.yaml

configure() { # configure LINE...: renamed into place, as editors do
	printf '%s\n' "$@" >"$FILE.new"
	mv "$FILE.new" "$FILE"
}
check_config() { "$HOLDFAST_BIN/mapd" --config "$FILE" --check-config; }
reload() { # reload WHAT: SIGHUP, and mapd says WHAT of it
	local before
	before=$(grep -c "$1" "$HF/mapd.log")
	kill -HUP "$MAPD_PID"
	wait_until said_more "$before" "$1"
}
said_more() { [ "$(grep -c "$2" "$HF/mapd.log")" -gt "$1" ]; }
troubled() { mapctl status --json | plain_json | grep -F "$1"; }
untroubled() { ! troubled "$1"; }
maximum() { mapctl status --json | plain_json | tr -d ' \n' | sed "s/.*\"$1\":{\"maximum\":\([0-9]*\).*/\1/"; }

checked() {
	cp "$here/../../packaging/mapd.yaml" "$FILE"
	check "the file that is installed is good" check_config
	says "and is named" "$HF/check.log" "$FILE is good"
	configure 'learn:' '  every: true' 'maps: {rules: many}' 'logLevel: loud' 'paths: {run: run}' 'metric: 1'
	refute "mistakes are found without a start" check_config
	says "each with its line" "$HF/check.log" ":2:3: learn.every: is not a known field" ":3:15: maps.rules: must be a whole number" \
		":4:11: logLevel: \"loud\" is not known here; write debug, info" ':5:14: paths.run: "run" is not an absolute path' \
		":6:1: metric: is not a known field"
	configure 'maps: {bindings: 1000001}' 'logLevel: [info]'
	refute "values out of range" check_config
	says "are told with the range" "$HF/check.log" "from 1 to 1000000"
	configure ''
	check "an empty file is good" check_config
	refute "a file that is named must be there" "$HOLDFAST_BIN/mapd" --config "$HF/nowhere.yaml" --check-config
	says "and is named" "$HF/check.log" "nowhere.yaml"
}

# The command line comes before the file: start_mapd gives it the places.
started() {
	configure 'maps: {bindings: 77, rules: 333}' 'paths: {run: /nowhere}'
	check "mapd starts with sizes of its file" start_mapd --config "$FILE" --max-rules 444
	check "the maps have the size of the file" [ "$(maximum bindings)" = 77 ]
	check "an option comes before the file" [ "$(maximum rules)" = 444 ]
	stop_mapd
	configure 'maps: {bindings: none}'
	refute "a mistake stops a start" start_mapd --config "$FILE"
	says "and says where" "$HF/mapd.log" "mapd.yaml:1:18"
	MAPD_PID=
}

reloaded() {
	configure 'learn: {}'
	check "mapd starts" start_mapd --config "$FILE"
	policy web protect "$(allow_only app /bin/sh /bin/true)"
	wait_until policy_in_force web protect
	POLICY=web bundle web /bin/sh -c "$OBEY"
	check "a container is protected" start_container web
	bundle free /bin/sh -c "$OBEY"
	check "another has no policy" start_container free

	configure 'learn: {namespaces: [e2e]}'
	check "SIGHUP is answered in the log" reload "configuration read again"
	eventually "the namespace is learned at once" bound free
	check "the protected container still is" refused web /bin/touch /tmp/witness

	configure 'learn: {namespaces: []}' 'logLevel: loud'
	check "a mistake is said in the log" reload "configuration refused, the one before stays in force"
	says "with its place" "$HF/mapd.log" "mapd.yaml:2:11: logLevel"
	eventually "and in status" troubled "the configuration before is in force"
	check "and nothing of the file is taken" bound free
	check "the protected container still is" refused web /bin/touch /tmp/witness

	configure 'learn: {namespaces: [e2e]}' 'maps: {rules: 1000}' 'attachPoint: lsm'
	check "a good file is taken again" reload "configuration read again"
	eventually "what needs a restart is said" troubled "wait for a restart of mapd: maps"
	eventually "the mistake of before is said no more" untroubled "the configuration before"
	configure 'learn: {}'
	check "without it" reload "configuration read again"
	eventually "nothing waits for a restart" untroubled "wait for a restart"
	eventually "and nothing is learned" unbound free

	configure 'learn: {namespaces: [e2e]}' 'logLevel: warning'
	kill -HUP "$MAPD_PID"
	eventually "another level of the log is taken" bound free
	check "a container starts" start_container_quietly
	configure 'learn: {}'
	check "the level of before comes back" reload "configuration read again"
}

start_container_quietly() {
	local before
	before=$(grep -c "container bound" "$HF/mapd.log")
	POLICY=web bundle quiet /bin/sh -c "$OBEY"
	start_container quiet && bound quiet && [ "$(grep -c "container bound" "$HF/mapd.log")" -eq "$before" ]
}

# Hooks and the gate while mapd reads its file again and again.
without_a_gap() {
	local i=0
	(while :; do kill -HUP "$MAPD_PID" || exit 0; done) 2>/dev/null &
	storm=$!
	while [ "$i" -lt 5 ]; do
		i=$((i + 1))
		POLICY=web bundle "during-$i" /bin/sh -c "$OBEY"
		HOOK_FAIL=closed check "container $i starts while SIGHUP comes in without end" start_container "during-$i"
		check "and is bound" bound "during-$i"
		check "and is judged" refused "during-$i" /bin/touch /tmp/witness
	done
	kill "$storm"
	wait "$storm" 2>/dev/null
	check "mapd answers" mapctl status
}

for journey in checked started reloaded without_a_gap; do
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$journey" ] || continue
	"$journey"
done
finish

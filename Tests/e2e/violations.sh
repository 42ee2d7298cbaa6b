#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# violations: what is reported is on record once, with an exact count, across restarts;
# an operator can allow, acknowledge and follow it, and have it explained and verified.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

# Equal violations in one burst. A million is BURST=1000000; CI runs fewer.
BURST=${BURST:-20000}
# Kept of each policy.
KEPT=100

# The records as JSON, a line each, without spaces.
records() { mapctl violations "$@" --json | plain_json | awk '{printf "%s", $0} /^  }/ {print ""}' | tr -d ' '; }

record() { # record WORD...: the violation that has every WORD
	local word lines
	lines=$(records)
	for word in "$@"; do lines=$(echo "$lines" | grep -F -e "$word") || return 1; done
	echo "$lines"
}

id_of() { record "\"executable\":\"$1\"" | sed -n 's/.*"id":\([0-9]*\).*/\1/p' | head -n 1; }
count_of() { record "\"executable\":\"$1\"" | sed -n 's/.*"count":\([0-9]*\),"first.*/\1/p' | head -n 1; }
counts() { [ "$(count_of "$1")" = "$2" ]; }

monitored() { # monitored NAME [PATH...]: a policy in monitor and a container that takes orders
	local name="$1"
	shift
	policy "$name" monitor "$(allow_only app /bin/sh /bin/true "$@")"
	wait_until policy_in_force "$name" monitor
	POLICY=$name bundle "$name" /bin/sh -c "$OBEY"
	check "container $name starts under its policy" start_container "$name"
}

recorded() {
	monitored web
	tell web '/bin/touch /tmp/witness; /bin/touch /tmp/witness'
	eventually "two equal ones are one record" counts /bin/touch 2
	check "it says who" record '"executable":"/bin/touch"' '"container":"app"' '"pod":"pod-web"' '"namespace":"e2e"' \
		'"reason":"notListed"' '"mode":"monitor"' '"policy":["e2e/web"]' '"uid":0'
	refute "unacknowledged ones are a finding" mapctl violations
	says "for people it is a table" "$HF/check.log" /bin/touch notListed e2e/web
	check "of another policy there are none" mapctl violations e2e/other
}

explained() {
	check "explain says that it is reported, and why" mapctl explain web /bin/touch
	says "from the maps" "$HF/check.log" "allowed and reported" "no rule" "generation" notListed
	check "and what is listed" mapctl explain web /bin/true
	says "by which rule" "$HF/check.log" "rule /bin/true" listed
	refute "a container that is not there" mapctl explain nowhere /bin/true
	says "is said" "$HF/check.log" "there is no container nowhere"
	refute "a relative path" mapctl explain web bin/true
}

allowed() {
	local id
	id=$(id_of /bin/touch)
	check "allow shows the change" mapctl violations allow "$id" --dry-run
	says "as a diff" "$HF/check.log" "+" "/bin/touch" "web.yaml"
	refute "and changes nothing unasked" grep -q touch "$POLICIES/web.yaml"
	refute "without a terminal it asks nobody" mapctl violations allow "$id"
	says "and says so" "$HF/check.log" "--yes"
	check "agreed to, it is done" mapctl violations allow "$id" --yes
	check "in the policy's file" grep -q /bin/touch "$POLICIES/web.yaml"
	check "and at once in the maps" mapctl explain web /bin/touch
	says "by its rule" "$HF/check.log" "rule /bin/touch"
	tell web '/bin/touch /tmp/after'
	check "it runs" wait_until test -e "$(rootfs_of web)/tmp/after"
	check "and is counted no more" counts /bin/touch 2
	refute "a number that is not there" mapctl violations allow 4711 --yes
	says "is said" "$HF/check.log" "there is no violation 4711"
}

acknowledged() {
	check "acknowledge" mapctl violations acknowledge "$(id_of /bin/touch)"
	check "then nothing is new" mapctl violations
}

verified() {
	check "policies, memory and maps agree" mapctl verify
	says "without a difference" "$HF/check.log" "no difference"
	if ! command -v bpftool >/dev/null; then
		skip "no bpftool: a map that somebody has changed"
		return
	fi
	local key rules
	rules=$(find "$BPFFS" -name rules)
	key=$(bpftool map dump pinned "$rules" -j | grep -o '"key":\[[^]]*\]' | head -n 1 | grep -o '0x[0-9a-f]*' | tr '\n' ' ')
	# shellcheck disable=SC2086 # bytes
	check "somebody takes a rule out of the map" bpftool map delete pinned "$rules" key $key
	refute "verify finds it" mapctl verify
	says "and names what is missing" "$HF/check.log" "no rule for" "1 difference"
}

burst() {
	local before log_before
	policy burst monitor "$(allow_only app /bin/storm)"
	wait_until policy_in_force burst monitor
	ROOTFS=burst POLICY=burst bundle burst /bin/storm /tmp/tally --burst "$BURST" 2 /opt/forbidden
	before=$(memory)
	log_before=$(wc -l <"$HF/mapd.log")
	check "a burst of $BURST equal violations begins" start_container burst
	check "and ends" wait_until burst_is_over
	eventually "it is one record with the exact count" counts /opt/forbidden "$BURST"
	say "$(memory) kB resident, $before before; $(($(wc -l <"$HF/mapd.log") - log_before)) lines of log"
	check "memory stays" [ "$(memory)" -lt $((before + 20000)) ]
	check "so does the log" [ "$(wc -l <"$HF/mapd.log")" -lt $((log_before + 100)) ]
	remove_container burst
}

burst_rootfs() {
	mkdir -p "$1/bin" "$1/opt" "$1/tmp" "$1/proc" "$1/dev" "$1/sys"
	cp "$HOLDFAST_BIN/storm" "$1/bin/storm"
	cp "$HOLDFAST_BIN/storm" "$1/opt/forbidden"
}
burst_is_over() { "$HOLDFAST_BIN/storm" --read "$(rootfs_of burst)/tmp/tally" | grep -qx "ended 2"; }
memory() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$MAPD_PID/status"; }

departed() { # a container that is gone when its event is read
	policy brief monitor "$(allow_only app /bin/sh)"
	wait_until policy_in_force brief monitor
	POLICY=brief bundle brief /bin/sh -c '/bin/ls /; /bin/ls /; exec /bin/ls /'
	check "a container ends at once" run_bundle brief
	remove_container brief
	eventually "its violations carry its name and all of its count" \
		record '"executable":"/bin/ls"' '"pod":"pod-brief"' '"count":3'
}

hundred() {
	monitored many
	tell many "mkdir /tmp/m; for i in \$(seq $((KEPT + 20))); do ln /bin/true /tmp/m/\$i; /tmp/m/\$i; done; touch /tmp/done" 
	check "more executables than are kept" wait_until test -e "$(rootfs_of many)/tmp/done"
	eventually "the newest $KEPT of a policy are kept" newest_kept
	check "those that had to go are counted" evicted
	remove_container many
}
newest_kept() { [ "$(records many | wc -l)" -eq "$KEPT" ] && record "/tmp/m/$((KEPT + 20))\""; }
evicted() { mapctl status --json | plain_json | grep -qE '"violationsEvicted":[1-9]'; }

restarts() {
	# what was found in the last second may not be written yet
	wait_until unchanged
	records | sed 's/"time":"[^"]*"//' >"$HF/before"
	kill_mapd
	start_mapd
	records | sed 's/"time":"[^"]*"//' >"$HF/after"
	check "after kill -9 all are there" cmp "$HF/before" "$HF/after"
	tell web '/bin/ls /; /bin/ls /'
	eventually "and it goes on" record '"executable":"/bin/ls"' '"pod":"pod-web"' '"count":2'
}

unchanged() { # for longer than mapd takes to write
	records >"$HF/earlier"
	sleep 3
	records | cmp -s - "$HF/earlier"
}

followed() {
	mapctl violations web --follow --json >"$HF/followed" 2>&1 &
	follower=$!
	tell web '/bin/stat /'
	eventually "a follower is told of a new one" grep -q /bin/stat "$HF/followed"
	tell web '/bin/stat /'
	eventually "and of its repeat" grep -q '"count":2,' "$HF/followed"
	check "top shows it" mapctl top --count 1
	says "and how much was judged" "$HF/check.log" /bin/stat reported "Holdfast protects at $ATTACH"
	check "mapd ends although it is followed" ends
	wait "$follower" 2>/dev/null
	check "and starts again" start_mapd
}

ends() {
	kill "$MAPD_PID"
	wait_until mapd_is_gone
}

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
for journey in recorded explained allowed acknowledged burst departed hundred restarts followed verified; do
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$journey" ] || continue
	"$journey"
done
finish

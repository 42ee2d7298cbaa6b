#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# learn: what containers execute is learned from the kernel and from what runs already,
# kept apart by container, merged over replicas, written down, and survives kill -9.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

# Execs of one program; one event is all that the kernel may send of them.
EXECS=${EXECS:-1000}
# More executables than are kept of a container.
LIMIT=512

# learned NAME POD [PROGRAM...]: a container that asks for it; without PROGRAM one that takes orders.
learned() {
	local name="$1" pod="$2"
	shift 2
	[ $# -gt 0 ] || set -- /bin/sh -c "$OBEY"
	LEARN=true POD=$pod bundle "$name" "$@"
	check "$name starts" start_container "$name"
}

proposal() { mapctl proposals show "$1" --json | plain_json; }

# knows PROPOSAL PATH WORD...: the executable's own entry has every WORD.
knows() {
	local name="$1" path="$2" entry word
	shift 2
	entry=$(proposal "$name" | tr -d ' \n' | sed 's/}/}\
/g' | grep -F "\"path\":\"$path\"") || return 1
	echo "$entry"
	for word in "$@"; do echo "$entry" | grep -qF -e "$word" || return 1; done
}

lists() { grep -qF -e "- $2" "$HF/state/proposals/e2e.$1.yaml"; }

ring_events() { mapctl status --json | plain_json | sed -n 's/.*"pathKeysCompared":\([0-9]*\).*/\1/p'; }

execs() { # learned without a policy, once for each executable, counted in the kernel
	local before after
	learned first web-7d4b9c6f5-x2x9z
	tell first "for i in \$(seq $EXECS); do /bin/true; done; touch /tmp/done"
	check "$EXECS execs are done" wait_until test -e "$(rootfs_of first)/tmp/done"
	# The snapshot of what ran before may find one of them, too.
	eventually "the proposal has the pod's name without what its controller made up" \
		knows web /bin/true "\"count\":$EXECS," '"listed":true' '"sources":["exec"' '"origin":"image"'
	before=$(ring_events)
	tell first "for i in \$(seq $EXECS); do /bin/true; done; touch /tmp/again"
	check "and again" wait_until test -e "$(rootfs_of first)/tmp/again"
	eventually "each is counted" knows web /bin/true "\"count\":$((2 * EXECS)),"
	after=$(ring_events)
	check "the kernel sent no event for one that it had reported: $before, then $after" [ "$after" -eq "$before" ]
	eventually "it is in the proposal's file" lists web /bin/true
	check "which is valid" mapctl policies validate "$HF/state/proposals/e2e.web.yaml"
	if [ -n "${HOLDFAST_GUEST:-}" ]; then
		skip "its CRD: guests have no Python"
	else
		check "for its CRD too" "$here/../Reference/crd.py" "$HF/state/proposals/e2e.web.yaml"
	fi
}

scripts_and_layers() {
	LEARN=true POD=web-7d4b9c6f5-bbbbb ROOTFS=overlay bundle layers /bin/sh -c "$OBEY"
	# At the kill attach point a script is found by its process, while it runs.
	printf '#!/bin/sh\n/bin/sleep 20\n' >"$HF/image/opt/tools/job"
	chmod 755 "$HF/image/opt/tools/job"
	check "a replica starts" start_container layers
	tell layers 'cp /bin/true /tmp/dropped; /tmp/dropped true; /bin/true; /opt/tools/job &'
	eventually "a script is proposed" knows web /opt/tools/job '"listed":true'
	eventually "what came from the writable layer is known" knows web /tmp/dropped '"origin":"writableLayer"'
	eventually "replicas merge in one proposal" knows web /bin/true web-7d4b9c6f5-x2x9z web-7d4b9c6f5-bbbbb
	remove_container layers
}

names_in_a_pod() {
	LEARN=true POD=job-0 CONTAINER=init bundle init /bin/true
	check "an init container runs" run_bundle init
	LEARN=true POD=job-0 CONTAINER=main bundle main /bin/sh -c "$OBEY"
	check "the main one starts" start_container main
	tell main /bin/seq
	eventually "what ended at once is learned" knows job /bin/true
	eventually "both are in one proposal" knows job /bin/seq
	mapctl proposals show job --manifest >"$HF/manifest"
	awk '/init:/ {init = 1} /main:/ {init = 0} init' "$HF/manifest" >"$HF/of-init"
	check "init has its own list" grep -qF /bin/true "$HF/of-init"
	refute "and not the main one's" grep -qF /bin/seq "$HF/of-init"
	remove_container init
	remove_container main
}

# What mapctl shows is on disk: it is written once a second, and what came since is lost with mapd.
is_written() {
	mapctl proposals show web --json | tr -d ' \n' >"$HF/shown"
	# the workload's own is the last of them
	grep -qF "\"last\":\"$(sed 's/.*"last":"\([^"]*\)".*/\1/' "$HF/shown")\"" "$HF/state/proposals/e2e.web.json" &&
		mapctl proposals show web --manifest | cmp -s - "$HF/state/proposals/e2e.web.yaml"
}

survives_kill() {
	eventually "what was learned is on disk" is_written
	mapctl proposals show web --manifest >"$HF/before"
	knows web /bin/true >"$HF/entry"
	kill_mapd
	tell first '/bin/true; touch /tmp/meanwhile'
	check "a container goes on without mapd" wait_until test -e "$(rootfs_of first)/tmp/meanwhile"
	start_mapd
	check "after kill -9 the proposal is there" cmp_proposal "$HF/before"
	eventually "what ran meanwhile was counted in the kernel" more_than "$HF/entry"
}

cmp_proposal() { # touch is new since
	mapctl proposals show web --manifest | grep -v /bin/touch >"$HF/after"
	grep -v /bin/touch "$1" | cmp - "$HF/after"
}

count_in() { sed -n 's/.*"count":\([0-9]*\).*/\1/p' "$1"; }
more_than() { # the count of then and one more
	knows web /bin/true >"$HF/now" && [ "$(count_in "$HF/now")" -eq $(($(count_in "$1") + 1)) ]
}

configured() { # mapd.yaml, and what ran before it was to be learned
	bundle old /bin/sh -c "$OBEY"
	check "a container starts that nobody learns" start_container old
	refute "it is in no proposal" mapctl proposals show pod-old
	printf 'learn:\n  namespaces: [e2e]\n' >"$HF/mapd.yaml"
	kill_mapd
	start_mapd --config "$HF/mapd.yaml"
	eventually "with mapd.yaml what runs in it is found" knows pod-old /bin/sh '"sources":["snapshot"]'
	LEARN=false bundle unasked /bin/sh -c "$OBEY"
	check "one that asks not to be learned starts" start_container unasked
	refute "and is not learned" bound unasked
	cp /bin/true "$HF/nodes-own" && "$HF/nodes-own"
	tell old /bin/seq
	eventually "an exec is learned" knows pod-old /bin/seq
	mapctl proposals --json >"$HF/all"
	refute "processes of the node are not" grep -qF nodes-own "$HF/all"
	printf 'learn:\n  namespaces: e2e\n  al: true\n' >"$HF/bad.yaml"
	refute "a mapd.yaml that is not understood stops mapd" "$HOLDFAST_BIN/mapd" --config "$HF/bad.yaml" --run-dir "$HF/other"
	says "and names the places" "$HF/check.log" "bad.yaml:2" "bad.yaml:3"
	remove_container old
	remove_container unasked
}

bounded() {
	learned many many-0
	tell many "mkdir /tmp/many; for i in \$(seq $((LIMIT + 20))); do ln /bin/true /tmp/many/\$i; /tmp/many/\$i; done; touch /tmp/done"
	check "more executables than are kept are run" wait_until test -e "$(rootfs_of many)/tmp/done"
	eventually "what finds no room is counted" dropped
	check "no more are proposed" [ "$(proposal many | grep -c '"listed":true')" -eq "$LIMIT" ]
	says "and warned of" "$HF/mapd.log" "no room to learn more"
	remove_container many
}

dropped() { mapctl proposals show many --json | plain_json | grep -qE '"dropped":[1-9]'; }

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
for journey in execs scripts_and_layers names_in_a_pod survives_kill configured bounded; do
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$journey" ] || continue
	"$journey"
done
finish

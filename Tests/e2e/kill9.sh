#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill9: protection outlives mapd. A container loops over a forbidden exec, whose
# success would leave a witness, and an allowed one, whose refusal would be noted;
# mapd is killed and started again under it.
here=$(cd "$(dirname "$0")" && pwd)
[ "${GATE:-on}" = on ] || PATIENCE=${PATIENCE:-5}
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"

# A line in rounds after each round. What the shell says of killed children is noise.
LOOP='while [ ! -e /tmp/stop ]; do /bin/touch /tmp/witness; /bin/true || echo wrong >>/tmp/wrong;'
LOOP="$LOOP echo round >>/tmp/rounds; done 2>/dev/null"

rounds() { wc -l <"$(rootfs_of "$1")/tmp/rounds"; }
more_rounds() { [ "$(rounds "$1")" -ge "$2" ]; }

# ten more rounds from now: a statement about this phase, not about the past
goes_on() { # goes_on NAME WHEN
	eventually "$2: the container goes on" more_rounds "$1" $(($(rounds "$1") + 10))
	refute "$2: no forbidden exec has run" ran "$1"
	refute "$2: no allowed exec was refused" test -e "$(rootfs_of "$1")/tmp/wrong"
}


survives() {
	local name="kill9-$RUNTIME" while_down="down-$RUNTIME"
	# shellcheck disable=SC2086 # a list
	policy "$name" protect "$(allow_only app $SH_RULES)"
	wait_until policy_in_force "$name" protect
	POLICY=$name bundle "$name" /bin/sh -c "$LOOP"
	check "$RUNTIME: container starts" start_container "$name"
	eventually "$RUNTIME: its loop runs" test -s "$(rootfs_of "$name")/tmp/rounds"
	goes_on "$name" "$RUNTIME, before"
	eventually "$RUNTIME, before: refusals are reported" event executable=/bin/touch "pod=pod-$name"

	check "$RUNTIME: kill -9 mapd" kill_mapd
	refute "$RUNTIME, without mapd: it does not answer" mapctl status
	goes_on "$name" "$RUNTIME, without mapd"
	check "$RUNTIME, without mapd: refused from exec, too" refused "$name" /bin/touch /tmp/witness
	# Fail-open is the default: what has no policy yet must not be kept from starting.
	POLICY='' bundle "$while_down" /bin/sh -c "$OBEY"
	check "$RUNTIME, without mapd: an unmanaged container starts" start_container "$while_down"
	check "$RUNTIME, without mapd: and ends" remove_container "$while_down"

	if ! start_mapd; then
		fail "$RUNTIME: mapd starts again" "$HF/mapd.log"
		return
	fi
	pass "$RUNTIME: mapd starts again"
	mapctl status --json | plain_json >"$HF/status.log"
	says "$RUNTIME, after: status says that the pins were adopted" "$HF/status.log" '"adopted":true'
	says "$RUNTIME, after: what is attached was not loaded a second time" "$HF/mapd.log" '"loaded":"false"'
	check "$RUNTIME, after: the binding made before is listed" bound "$name"
	goes_on "$name" "$RUNTIME, after"
	check "$RUNTIME, after: a forbidden exec seen never before is refused" refused "$name" /bin/rm /tmp/rounds
	eventually "$RUNTIME, after: new events flow" event executable=/bin/rm "pod=pod-$name" verdict=refuse
	# The policy still governs the adopted binding.
	# shellcheck disable=SC2086 # a list
	policy "$name" protect "$(allow_only app $SH_RULES /bin/ls)"
	eventually "$RUNTIME, after: an edit of the policy reaches it" in_shell "$name" '/bin/ls /'
	touch "$(rootfs_of "$name")/tmp/stop"
	remove_container "$name"
	eventually "$RUNTIME, after: the binding goes with the container" unbound "$name"
	rm -f "$POLICIES/$name.yaml"
}

# A container that ends while mapd is down: its poststop hook reached nobody.
ends_while_down() {
	local name="gone-$RUNTIME"
	# shellcheck disable=SC2086 # a list
	protect "$name" $SH_RULES
	check "$RUNTIME: kill -9 mapd" kill_mapd
	check "$RUNTIME, without mapd: a protected container ends" remove_container "$name"
	check "$RUNTIME: mapd starts again" start_mapd
	eventually "$RUNTIME: and drops the binding of the container that is gone" unbound "$name"
	rm -f "$POLICIES/$name.yaml"
}

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
for RUNTIME in ${RUNTIMES:-runc crun}; do
	if ! runtime_works; then
		if [ "$CGROUP" = v2 ] || [ "$RUNTIME" = runc ]; then
			fail "$RUNTIME runs a container" "$PROBLEM"
		else
			skip "$RUNTIME does not run here: $(tail -n 1 "$PROBLEM")"
		fi
		continue
	fi
	survives
	ends_while_down
done
finish

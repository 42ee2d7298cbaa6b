#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# badinput: states that are not what a runtime sends, and policies that are not what
# an operator meant. Each gets an error that names the place; nothing is half
# applied, the last good version stays in force, and nobody crashes.
here=$(cd "$(dirname "$0")" && pwd)
[ "${GATE:-on}" = on ] || PATIENCE=${PATIENCE:-5}
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/e2e/journeys.sh
. "$here/journeys.sh"

# hook_says WHAT STAGE TEXT...: the state is in $HF/state.json. The hook ends by
# itself, not by a signal, with one line on stderr that has every TEXT.
hook_says() {
	local what="$1" stage="$2" code=0
	shift 2
	timeout "$PATIENCE" "$HOLDFAST_BIN/oci-hook" --socket "$HOOK_SOCKET" --timeout "$HOOK_TIMEOUT" "$stage" \
		<"$HF/state.json" >"$HF/hook.out" 2>"$HF/hook.log" || code=$?
	if [ "$code" -ge 124 ]; then
		fail "$what: the hook crashed or hung ($code)" "$HF/hook.log"
	elif [ "$(wc -l <"$HF/hook.log")" -ne 1 ]; then
		fail "$what: not one line on stderr" "$HF/hook.log"
	else
		says "$what" "$HF/hook.log" "$@"
	fi
}

state() { # state PID BUNDLE
	cat >"$HF/state.json" <<JSON
{"ociVersion": "1.0.2", "id": "bad-state", "status": "creating", "pid": $1, "bundle": "$2"}
JSON
}

bad_states() {
	: >"$HF/state.json"
	hook_says "an empty state" createRuntime state
	printf 'not json\n' >"$HF/state.json"
	hook_says "a state that is not JSON" createRuntime state
	printf '{"ociVersion": "1.0.2", "id": "x", "pid": 1' >"$HF/state.json"
	hook_says "a state that ends early" createRuntime state
	printf '["id"]' >"$HF/state.json"
	hook_says "a state that is a list" createRuntime state
	printf '{"ociVersion": "1.0.2", "id": 7, "status": "creating", "pid": "x", "bundle": null}' >"$HF/state.json"
	hook_says "a state of wrong types" createRuntime state
	printf '{"id": "a\377b", "status": "creating", "pid": 1, "bundle": "/b"}' >"$HF/state.json"
	hook_says "a state that is not UTF-8" createRuntime state
	head -c 200000 /dev/zero | tr '\0' '[' >"$HF/state.json"
	hook_says "a state nested without end" createRuntime state
	{
		printf '{"ociVersion": "1.0.2", "id": "'
		head -c 1048576 /dev/zero | tr '\0' 'a'
		printf '"}'
	} >"$HF/state.json"
	hook_says "a state of a megabyte" createRuntime state

	mkdir -p "$HF/empty"
	# above any pid_max
	state 99999999 "$HF/empty"
	hook_says "a process that is gone" createRuntime 99999999
	sleep 1000 &
	state $! "$HF/no-such-bundle"
	hook_says "a bundle that is missing" createRuntime no-such-bundle
	state $! "$HF/empty"
	hook_says "a bundle without config.json" createRuntime config.json
	printf '{"annotations": {' >"$HF/empty/config.json"
	hook_says "a config.json that ends early" createRuntime config.json
	kill $!
	check "mapd answers after all of them" mapctl status
	refute "and has bound nothing" bound bad-state
}

# refused_policy WHAT LINE TEXT: $HF/bad.yaml replaces the policy of a running
# container; mapd names file, line and reason, and what was in force stays so.
refused_policy() {
	local what="$1" line="$2" text="$3"
	: >"$HF/mapd.log"
	mv "$HF/bad.yaml" "$POLICIES/$NAME.yaml"
	eventually "$what: file, line and reason are told" told "$NAME.yaml:$line" "$text"
	eventually "$what: the log names the file, too" grep -qF "$NAME.yaml" "$HF/mapd.log"
	check "$what: what was allowed is allowed" in_shell "$NAME" /bin/true
	check "$what: what was refused is refused" refused "$NAME" /bin/touch /tmp/witness
}

# A new reason on a line with the place; the pattern of the place is a line's number.
told() { mapctl policies | grep "$1:" | grep -qiF -e "$2"; }

spec() { # the head of a policy; its next line is the sixth
	cat <<YAML
apiVersion: security.rancher.io/v1alpha1
kind: WorkloadPolicy
metadata: {name: $NAME, namespace: e2e}
spec:
  mode: protect
YAML
}

bad_policies() {
	local rules="  rulesByContainer:"
	NAME=policy-$RUNTIME
	# shellcheck disable=SC2086 # a list
	protect "$NAME" $SH_RULES
	check "a foreign exec is refused" refused "$NAME" /bin/touch /tmp/witness

	{ spec && echo "  rulesByContaner: {app: {executables: {allowed: [/bin/touch]}}}"; } >"$HF/bad.yaml"
	refused_policy "an unknown field" 6 rulesByContaner
	{ spec && printf '%s\n    app:\n      executables:\n        allowed:\n          - bin/touch\n' "$rules"; } >"$HF/bad.yaml"
	refused_policy "a relative path" 10 absolute
	{ spec && printf '%s\n    app: {executables: {allowed: [/bin/touch]}}\n    app: {executables: {allowed: [/bin/rm]}}\n' "$rules"; } >"$HF/bad.yaml"
	refused_policy "a container named twice" 8 app
	{ spec && printf '%s\n    app: {executables: {allowed: [/%s]}}\n' "$rules" "$(head -c 5000 /dev/zero | tr '\0' 'a')"; } >"$HF/bad.yaml"
	refused_policy "a path of 5,000 bytes" 7 "long"
	{ spec && printf '%s\n    app: {executables: {allowed: [/bin/\377touch]}}\n' "$rules"; } >"$HF/bad.yaml"
	refused_policy "invalid UTF-8" 7 "UTF-8"
	{ spec && printf '%s\n    app: {executables: {allowed: [/bin/../bin/touch]}}\n' "$rules"; } >"$HF/bad.yaml"
	refused_policy "a path with .." 7 ".."
	{ spec && printf '%s\n    app: {executables: {allowed: ["/bin/touch\\0"]}}\n' "$rules"; } >"$HF/bad.yaml"
	refused_policy "a path with NUL" 7 NUL
	sed 's/protect/protct/' "$POLICIES/$NAME.yaml" >"$HF/bad.yaml"
	refused_policy "a mode that is none" 5 protct
	{ spec && echo "  rulesByContainer: {app: {executables: {allowed: ["; } >"$HF/bad.yaml"
	refused_policy "YAML that ends early" "[0-9]*" "$NAME.yaml"

	# shellcheck disable=SC2086 # a list
	policy "$NAME" protect "$(allow_only app $SH_RULES /bin/touch)"
	eventually "a good version is taken again" in_shell "$NAME" '/bin/touch /tmp/witness'
	done_with "$NAME"
}

RUNTIME=${RUNTIMES:-runc}
RUNTIME=${RUNTIME%% *}
if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
bad_states
bad_policies
finish

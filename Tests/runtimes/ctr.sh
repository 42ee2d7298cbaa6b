#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ctr.sh: containers of `ctr run --config`, from the base spec that mapctl made.
: "${tests:?row.sh reads this file}" "${tools:?}"
# shellcheck source=Tests/runtimes/containerd-common.sh
. "$tests/containerd-common.sh"

prepare() {
	containerd_prepare
}

launch() { # launch NAME WORD...
	local name="$1"
	shift
	if [ "$HOOKED" = yes ]; then ctr_spec "$name" . "$@"; else ctr_spec "$name" 'del(.hooks)' "$@"; fi
	ctr run -d --config "$HF/ctr/$name/spec" "$name-$$" </dev/null
}

ctr_spec() { # ctr_spec NAME FILTER WORD...: the base spec, filtered, for the words
	local name="$1" filter="$2"
	shift 2
	mkdir -p "$HF/ctr/$name/rootfs/witness"
	plain_rootfs "$HF/ctr/$name/rootfs"
	jq "$filter"' | .process.args = $ARGS.positional | .process.terminal = false | .root = {path: $root}
		| del(.process.rlimits, .linux.seccomp)
		| .linux.cgroupsPath = $cgroup
		| .annotations = {"security.rancher.io/policy": "runtime", "io.kubernetes.pod.namespace": "e2e",
			"io.kubernetes.container.name": "app"}
		| .mounts += [{destination: "/witness", type: "bind", source: $witness, options: ["bind", "rw"]}]' \
		--arg root "$HF/ctr/$name/rootfs" --arg witness "$HF/witness" --arg cgroup "/$(basename "$HF")/$name" \
		/etc/containerd/holdfast-base-spec.json --args -- "$@" >"$HF/ctr/$name/spec"
}

enter() {
	local name="$1"
	shift
	EXEC=$((${EXEC:-0} + 1))
	ctr task exec --exec-id "exec-$EXEC" "$name-$$" "$@" </dev/null
}

halt() {
	ctr task kill -s KILL "$1-$$" 2>/dev/null
	wait_until ctr_is_stopped "$1"
	ctr task rm -f "$1-$$" 2>/dev/null
	ctr container rm "$1-$$"
}
ctr_is_stopped() { ! ctr task ls | awk -v id="$1-$$" '$1 == id' | grep -q RUNNING; }

run_once() {
	if [ ! -d "$HF/ctr/cost-$1" ]; then
		case $1 in
		none) ctr_spec "cost-$1" 'del(.hooks)' /bin/true ;;
		true) ctr_spec "cost-$1" '(.hooks[][].path) |= "/bin/true"' /bin/true ;;
		*) ctr_spec "cost-$1" . /bin/true ;;
		esac
	fi
	ctr run --rm --config "$HF/ctr/cost-$1/spec" "cost-$1-$$" </dev/null
}

id_of() { echo "$1-$$"; }
conclude() { containerd_conclude; }

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# oci.sh: runc or crun called directly, with the bundles of the e2e suites.
: "${tools:?row.sh reads this file}"

prepare() {
	# LOW: the version; VERSION: which of the two
	if ! fetched=$("$tools/fetch-runtime" "$VERSION" "$LOW" | tail -n 1) || [ ! -x "$fetched" ]; then
		PROBLEM="$VERSION $LOW cannot be had"
		return 1
	fi
	RUNTIME=$fetched
	STATE=/run/$VERSION
	# nobody calls mapctl for a bare runtime; the hook is where it always is
	mkdir -p /usr/libexec/holdfast
	cp "$HOLDFAST_BIN/oci-hook" /usr/libexec/holdfast/
	HOOKS=none POLICY='' bundle probe /bin/true
	if ! oci run --bundle "$HF/bundles/probe" probe </dev/null; then
		PROBLEM="$VERSION $LOW runs nothing on this machine: $(tail -n 1 "$HF/prepare.log")"
		return 1
	fi
}

oci() { "$RUNTIME" --root "$STATE" "$@"; }

# As an engine that reads base-spec-hooks.json would pass it.
hook() {
	printf '"%s": [{"path": "%s", "args": ["oci-hook", "%s"], "timeout": 60}]' \
		"$1" "${HOOK_PROGRAM:-/usr/libexec/holdfast/oci-hook}" "$1"
}

launch() {
	oci_bundle "$@"
	oci run -d --bundle "$HF/bundles/$1" "$1-$$" </dev/null >"$HF/$1.out" 2>&1 || {
		cat "$HF/$1.out"
		return 1
	}
}

# In two steps, as engines do. The workload of `crun run` is crun's own child, and crun takes its
# end for that of a hook that ends at the same moment: it then waits until the hook's time is
# over, and fails. With /bin/true as the hook it does the same.
launch_brief() {
	oci_bundle "$@"
	if ! oci create --bundle "$HF/bundles/$1" "$1-$$" </dev/null >"$HF/$1.out" 2>&1 ||
		! oci start "$1-$$" </dev/null >>"$HF/$1.out" 2>&1; then
		cat "$HF/$1.out"
		return 1
	fi
}

oci_bundle() { # oci_bundle NAME WORD...
	local name="$1" hooks=''
	shift
	[ "$HOOKED" = yes ] || hooks=none
	mkdir -p "$HF/bundles/$name/rootfs/witness"
	plain_rootfs "$HF/bundles/$name/rootfs"
	HOOKS=$hooks POLICY=runtime bundle "$name" "$@"
	sed -i 's,"destination": "/proc",&,; s,"mounts": \[,&{"destination": "/witness"\, "type": "bind"\, "source": "'"$HF/witness"'"\, "options": ["bind"\, "rw"]}\,,' \
		"$HF/bundles/$name/config.json"
}

enter() {
	local name="$1"
	shift
	oci exec "$name-$$" "$@" </dev/null
}

halt() {
	oci kill "$1-$$" KILL
	wait_until oci_is_stopped "$1"
	oci delete -f "$1-$$"
	rm -rf "$HF/bundles/$1"
}
oci_is_stopped() { ! oci state "$1-$$" | grep -qE '"status": *"(running|created)"'; }

run_once() {
	if [ ! -d "$HF/bundles/cost-$1" ]; then
		mkdir -p "$HF/bundles/cost-$1"
		case $1 in
		none) HOOKS=none POLICY=runtime bundle "cost-$1" /bin/true ;;
		true) HOOK_PROGRAM=/bin/true POLICY=runtime bundle "cost-$1" /bin/true ;;
		*) POLICY=runtime bundle "cost-$1" /bin/true ;;
		esac
	fi
	oci run --bundle "$HF/bundles/cost-$1" "cost-$1-$$" </dev/null
}

id_of() { echo "$1-$$"; }
conclude() { :; }

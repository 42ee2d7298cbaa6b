#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman.sh: podman with the hooks.d that mapctl installs, by its standard folders.
# VERSION of podman; LOW: runc or crun, then its version.
: "${tools:?row.sh reads this file}" "${tests:?}"
# shellcheck source=Tests/runtimes/nested.sh
. "$tests/nested.sh"

prepare() {
	if ! fetched=$("$tools/fetch-runtime" podman "$VERSION" | tail -n 1) || [ ! -x "$fetched" ]; then
		PROBLEM="podman $VERSION cannot be had"
		return 1
	fi
	PODMAN=$fetched
	if ! LOWER=$("$tools/fetch-runtime" "$LOW" "$LOW_VERSION" | tail -n 1) || [ ! -x "$LOWER" ]; then
		PROBLEM="$LOW $LOW_VERSION cannot be had"
		return 1
	fi
	podman_settings
	"$HOLDFAST_BIN/mapctl" hooks install --runtime podman || return
	mkdir -p "$HF/probe" "$HF/none"
	plain_rootfs "$HF/probe/rootfs"
	if ! podman run --rm --network none --hooks-dir "$HF/none" --rootfs "$HF/probe/rootfs" /bin/true; then
		PROBLEM="podman $VERSION with $LOW $LOW_VERSION runs nothing on this machine: $(tail -n 1 "$HF/prepare.log")"
		return 1
	fi
	podman_import
}

podman_settings() {
	mkdir -p /etc/containers
	# limits that are raised by nobody: not every machine lets root raise its own
	cat >/etc/containers/containers.conf <<TOML
[containers]
log_driver = "k8s-file"
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
conmon_path = ["$(dirname "$PODMAN")/conmon"]
helper_binaries_dir = ["$(dirname "$PODMAN")"]
runtime = "$LOWER"
TOML
	printf '[storage]\ndriver = "overlay"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' \
		>/etc/containers/storage.conf
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >/etc/containers/policy.json
}

# Made here: no network.
podman_import() {
	mkdir -p "$HF/probe/rootfs/witness"
	tar -C "$HF/probe/rootfs" -c . | podman import - localhost/busybox:1
}

podman() { "$PODMAN" "$@"; }

launch() {
	local name="$1" hooks=''
	shift
	[ "$HOOKED" = yes ] || hooks="--hooks-dir $HF/none"
	# shellcheck disable=SC2086 # options and their values
	podman run -d --name "$name" $hooks ${LAUNCH_OPTIONS:-} --annotation security.rancher.io/policy=runtime \
		--annotation io.kubernetes.container.name=app --annotation io.kubernetes.pod.namespace=e2e \
		-v "$HF/witness:/witness" localhost/busybox:1 "$@" >"$HF/$name.id" 2>"$HF/$name.out" || {
		cat "$HF/$name.out"
		return 1
	}
}

enter() {
	local name="$1"
	shift
	podman exec "$name" "$@" </dev/null
}

halt() {
	podman stop -t 0 "$1"
	podman rm -f "$1"
}

run_once() {
	local folder="$HF/hooks-$1"
	if [ ! -d "$folder" ]; then
		mkdir "$folder"
		[ "$1" = none ] || cp /usr/share/containers/oci/hooks.d/holdfast-*.json "$folder/"
		[ "$1" != true ] || sed -i 's,/usr/libexec/holdfast/oci-hook,/bin/true,' "$folder"/*.json
	fi
	podman run --rm --hooks-dir "$folder" --annotation security.rancher.io/policy=runtime \
		--annotation io.kubernetes.container.name=app --annotation io.kubernetes.pod.namespace=e2e \
		localhost/busybox:1 /bin/true </dev/null
}

id_of() { # podman makes it, also of a container that it then could not start
	[ -s "$HF/$1.id" ] || podman inspect --format '{{.Id}}' "$1" >"$HF/$1.id" 2>/dev/null
	cat "$HF/$1.id"
}
conclude() { podman rm -fa -t 0; }

also() {
	also_private
	also_nested
	local folder=/usr/share/containers/oci/hooks.d program=/usr/libexec/holdfast/oci-hook
	want "hooks status finds nothing wrong with podman" podman_has_no_problems
	mkdir -p /usr/libexec/holdfast-old/holdfast
	cp "$program" /usr/libexec/holdfast-old/holdfast/
	sed 's,/usr/libexec/holdfast/,/usr/libexec/holdfast-old/holdfast/,' "$folder/holdfast-createRuntime.json" \
		>"$folder/holdfast-old.json"
	want "with two versions of the hook a container starts" launch both /bin/sleep 100000
	want "and is bound" is_bound both
	want "mapctl says that there are two" fails podman_has_no_problems
	halt both >/dev/null 2>&1
	rm "$folder/holdfast-old.json"

	mv "$program" "$program.away"
	want "podman skips a hook that is missing" launch skipped /bin/sleep 100000
	want_not "without protection" is_bound skipped
	want "which mapctl says" fails podman_has_no_problems
	halt skipped >/dev/null 2>&1
	mv "$program.away" "$program"

	want "uninstall" "$HOLDFAST_BIN/mapctl" hooks uninstall --runtime podman
	want_not "the hooks are gone" ls "$folder"/holdfast-*
	want_not "so is the program" test -e "$program"
	want "containers start" launch bare /bin/sleep 100000
	halt bare >/dev/null 2>&1
	want "installed again" "$HOLDFAST_BIN/mapctl" hooks install --runtime podman
}
podman_has_no_problems() {
	"$HOLDFAST_BIN/mapctl" hooks status --json | jq -e '.runtimes[] | select(.runtime == "podman") | .installed and .problems == []'
}

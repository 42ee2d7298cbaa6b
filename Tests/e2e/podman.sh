#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman: hooks.d as podman reads it, and N execs of `podman exec` under protect, of which
# none may be refused.
#
#   PODMAN="4.3.1 5.4.2"   versions, from tools/fetch-runtime   N=100
here=$(cd "$(dirname "$0")" && pwd)
for pair in $(echo "${SUITE_ARGUMENTS:-}" | tr ':' ' '); do export "${pair?}"; done
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
N=${N:-100}

# All of podman's folders are the suite's own; nothing of this machine's podman is touched.
podman() {
	CONTAINERS_CONF="$HF/podman/containers.conf" CONTAINERS_REGISTRIES_CONF=/dev/null \
		CONTAINERS_STORAGE_CONF="$HF/podman/storage.conf" \
		"$PROGRAM" --root "$HF/podman/root" --runroot "$HF/podman/run" --tmpdir "$HF/podman/tmp" \
		--cgroup-manager cgroupfs --runtime "$(command -v runc)" \
		--conmon "$(dirname "$PROGRAM")/conmon" --hooks-dir "$HF/hooks.d" "$@"
}

settings() {
	mkdir -p "$HF/podman" "$HF/hooks.d"
	# limits that are raised by nobody: not every machine lets root raise its own
	printf '[containers]\nlog_driver = "k8s-file"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nevents_logger = "none"\nhelper_binaries_dir = ["%s"]\n' \
		"$(dirname "$PROGRAM")" >"$HF/podman/containers.conf"
	printf '[storage]\ndriver = "vfs"\nrunroot = "%s"\ngraphroot = "%s"\n' \
		"$HF/podman/run" "$HF/podman/root" >"$HF/podman/storage.conf"
	# The project's own hooks.d, with this suite's program, socket and time limit.
	for stage in createRuntime poststart poststop; do
		sed -e "s,/usr/libexec/holdfast/oci-hook,$HOLDFAST_BIN/oci-hook," \
			-e "s,\"oci-hook\",\"oci-hook\"\, \"--socket\"\, \"$HOOK_SOCKET\"\, \"--timeout\"\, \"$HOOK_TIMEOUT\"," \
			-e 's,"timeout": 5,"timeout": 60,' "$here/../../hooks.d/holdfast-$stage.json" >"$HF/hooks.d/holdfast-$stage.json"
	done
}

listed() { mapctl containers --json | plain_json | grep -qF "$ID"; }

life() { # of one container under PROGRAM
	local name="podman-$1" i=0 bad=0
	mkdir -p "$HF/$name"
	plain_rootfs "$HF/$name/rootfs"
	policy policy-podman protect "$(allow_only app /bin/sh /bin/sleep /bin/true)"
	wait_until policy_in_force policy-podman protect
	podman run -d --name "$name" --network none --annotation security.rancher.io/policy=policy-podman \
		--annotation io.kubernetes.container.name=app --annotation io.kubernetes.pod.namespace=e2e \
		--rootfs "$HF/$name/rootfs" /bin/sh -c 'exec /bin/sleep 100000' >"$HF/$name.id" 2>"$HF/$name.log" || {
		fail "podman $1 starts a container" "$HF/$name.log"
		return
	}
	ID=$(cat "$HF/$name.id")
	check "podman $1: its container is bound" listed
	while [ "$i" -lt "$N" ]; do
		podman exec "$name" /bin/true >>"$HF/$name.exec" 2>&1 || bad=$((bad + 1))
		i=$((i + 1))
	done
	if [ "$bad" -eq 0 ]; then
		pass "podman $1: podman exec refused $bad/$N"
	else
		fail "podman $1: podman exec refused $bad/$N" "$HF/$name.exec"
	fi
	check "... mapd saw no refusal either" test "$(events | grep -F "$ID" | grep -cF '"verdict":"refuse"')" -eq 0
	# Or all of this would also pass without a gate.
	refute "... while an unlisted program is refused" podman exec "$name" /bin/touch /tmp/witness
	refute "... it never ran" test -e "$HF/$name/rootfs/tmp/witness"
	eventually "... and is reported" event "containerId=$ID" verdict=refuse reason=notListed
	check "... podman stops it" podman stop -t 1 "$name"
	check "... and removes it" podman rm -f "$name"
	eventually "... and mapd forgets it" forgotten
}

forgotten() { mapctl status && ! listed; }

say "Linux $(uname -r), attach point $ATTACH, cgroup $CGROUP, gate $GATE, N=$N"
if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
for version in ${PODMAN:-4.3.1 5.4.2}; do
	if ! PROGRAM=$("$here/../../tools/fetch-runtime" podman "$version" | tail -n 1) || [ ! -x "$PROGRAM" ]; then
		skip "podman $version cannot be had"
		continue
	fi
	settings
	say "$(podman --version)"
	life "$version"
	podman rm -fa >/dev/null 2>&1
done
finish

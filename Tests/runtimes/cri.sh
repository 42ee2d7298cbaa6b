#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cri.sh: pods and containers by containerd's CRI plugin, as a kubelet asks for them.
: "${tests:?row.sh reads this file}" "${tools:?}"
# shellcheck source=Tests/runtimes/containerd-common.sh
. "$tests/containerd-common.sh"

prepare() {
	cri_client || return
	containerd_prepare || return
	cri_image pause /pause && cri_image busybox /bin/sh
}

# The client is generated from the interface's own definition.
cri_client() {
	local proto
	proto=$("$tools/fetch-package" trixie,trixie-security golang-github-kubernetes-cri-api-dev) &&
		mkdir -p "$HF/cri" &&
		sed -e '/gogoproto/d' \
			"$proto/usr/share/gocode/src/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto" >"$HF/cri/cri.proto" &&
		/usr/bin/python3 -m grpc_tools.protoc -I "$HF/cri" --python_out="$HF/cri" \
			--grpc_python_out="$HF/cri" "$HF/cri/cri.proto" && return
	PROBLEM="the CRI client cannot be generated: $(tail -n 1 "$HF/prepare.log")"
	return 1
}

cri() { PYTHONPATH=$HF/cri /usr/bin/python3 "$tests/cri.py" "$@"; }

# An image of one layer, made here: no network.
cri_image() { # cri_image NAME ENTRYPOINT
	local folder="$HF/image-$1" layer
	mkdir -p "$folder/rootfs/witness" "$folder/layout"
	plain_rootfs "$folder/rootfs"
	# what a pause program does: nothing, until it is told to end
	printf '#!/bin/sh\ntrap "exit 0" TERM\nwhile :; do sleep 1000; done\n' >"$folder/rootfs/pause"
	chmod 755 "$folder/rootfs/pause"
	tar -C "$folder/rootfs" -cf "$folder/layout/layer.tar" .
	layer=$(sha256sum "$folder/layout/layer.tar" | cut -d ' ' -f 1)
	printf '{"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["%s"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' \
		"$2" "$layer" >"$folder/layout/config.json"
	printf '[{"Config": "config.json", "RepoTags": ["localhost/%s:1"], "Layers": ["layer.tar"]}]' "$1" \
		>"$folder/layout/manifest.json"
	tar -C "$folder/layout" -cf "$folder/image.tar" manifest.json config.json layer.tar
	ctr -n k8s.io images import "$folder/image.tar"
}

launch() {
	local name="$1" handler=runc
	shift
	[ "$HOOKED" = yes ] || handler=bare
	cri launch --handler "$handler" --cgroup "/$(basename "$HF")" --witness "$HF/witness" \
		--state "$HF/$name.cri" "$name" "$@"
}

enter() {
	local name="$1"
	shift
	cri enter --state "$HF/$name.cri" "$@"
}

halt() { cri halt --state "$HF/$1.cri"; }

id_of() { sed -n 2p "$HF/$1.cri" 2>/dev/null; }

conclude() { containerd_conclude; }

also() {
	local spec=/etc/containerd/holdfast-base-spec.json program=/usr/libexec/holdfast/oci-hook
	want "an imported part replaces the plugin's settings (1.x) or joins them (2.x)" containerd_imports
	want "hooks status finds nothing wrong" "$HOLDFAST_BIN/mapctl" hooks status
	want "uninstall, first run" "$HOLDFAST_BIN/mapctl" hooks uninstall --runtime containerd
	want_not "the base spec is there without the hooks" grep -q oci-hook "$spec"
	want "containerd still runs the program" launch both /bin/sleep 100000
	want "and its container is bound" is_bound both
	halt both >/dev/null 2>&1
	sed -i /base_runtime_spec/d /etc/containerd/config.toml
	want "uninstall while the old containerd runs" "$HOLDFAST_BIN/mapctl" hooks uninstall --runtime containerd
	want "leaves the program" test -e "$program"
	containerd_conclude
	want "containerd starts again" containerd_start
	want "uninstall, second run" "$HOLDFAST_BIN/mapctl" hooks uninstall --runtime containerd
	want_not "the base spec is gone" test -e "$spec"
	want_not "so is the program" test -e "$program"
	want "containers start" launch bare /bin/sleep 100000
	want_not "without the hook" is_bound bare
	halt bare >/dev/null 2>&1
}

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# containerd-common.sh: a containerd of VERSION on its own, for ctr.sh and cri.sh.
: "${tools:?row.sh reads this file}"

containerd_prepare() { # containerd_prepare: PATH has its programs; hooks installed; started
	if ! fetched=$("$tools/fetch-runtime" containerd "$VERSION" | tail -n 1) || [ ! -x "$fetched" ]; then
		PROBLEM="containerd $VERSION cannot be had"
		return 1
	fi
	PATH=$(dirname "$fetched"):$PATH
	mkdir -p /etc/containerd
	containerd_configuration >/etc/containerd/config.toml
	"$HOLDFAST_BIN/mapctl" hooks install --runtime containerd || return
	containerd_start
}

# The standard one of this version, with what mapctl advises.
containerd_configuration() {
	case $VERSION in
	1.*) plugin=io.containerd.grpc.v1.cri && echo 'version = 2' ;;
	*) plugin=io.containerd.cri.v1.runtime && echo 'version = 3' ;;
	esac
	# root may not be allowed to lower oom_score_adj, on a machine that is itself a container
	cat <<TOML
[plugins."$plugin"]
  restrict_oom_score_adj = true
$(case $VERSION in 1.*) echo '  sandbox_image = "localhost/pause:1"' ;; esac)
[plugins."$plugin".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  base_runtime_spec = "/etc/containerd/holdfast-base-spec.json"
  pod_annotations = ["security.rancher.io/*"]
[plugins."$plugin".containerd.runtimes.bare]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["security.rancher.io/*"]
TOML
	case $VERSION in
	1.*) ;;
	*) printf '[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "localhost/pause:1"\n' ;;
	esac
}

# Why mapctl leaves config.toml to the operator: what an imported part does to it.
containerd_imports() { # containerd_imports: a part's base spec, joined or in the place of all
	sed "1i imports = [\"$HF/part.toml\"]" /etc/containerd/config.toml >"$HF/importing.toml"
	printf '%s\n[plugins."%s".containerd.runtimes.runc]\n  base_runtime_spec = "/part.json"\n' \
		"$(grep '^version' /etc/containerd/config.toml)" "$plugin" >"$HF/part.toml"
	containerd --config "$HF/importing.toml" config dump >"$HF/dump.toml" || return
	grep -q 'base_runtime_spec = ["'\'']/part.json' "$HF/dump.toml" || return
	case $VERSION in
	1.*) ! grep -q 'restrict_oom_score_adj = true' "$HF/dump.toml" && ! grep -q 'runtimes\.bare\]' "$HF/dump.toml" ;;
	*) grep -q 'restrict_oom_score_adj = true' "$HF/dump.toml" && grep -q 'runtimes\.bare\]' "$HF/dump.toml" ;;
	esac
}

containerd_start() {
	containerd >"$HF/containerd.log" 2>&1 &
	CONTAINERD=$!
	if ! wait_until ctr version; then
		PROBLEM="containerd $VERSION does not start: $(tail -n 1 "$HF/containerd.log")"
		return 1
	fi
}

containerd_conclude() {
	kill "$CONTAINERD"
	wait "$CONTAINERD"
}

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bundle.sh: root file systems and OCI bundles, written without jq. See lib.sh.

APPLETS="sh sleep cat echo ls true false mkdir mkfifo touch mv cp ln rm mount umount
	env id kill readlink chroot head tail grep seq stat chmod unshare nsenter"

# plain_rootfs FOLDER: every program is a file of its own name, in an ordinary
# directory. One busybox, linked under each name, takes no room.
plain_rootfs() {
	local applet
	rootfs_folders "$1"
	cp "/bin/busybox" "$1/bin/cat"
	for applet in $APPLETS; do
		[ "$applet" = cat ] || ln "$1/bin/cat" "$1/bin/$applet"
	done
}

# linked_rootfs FOLDER: /bin/busybox and symbolic links to it, as images have it.
linked_rootfs() {
	local applet
	rootfs_folders "$1"
	cp "/bin/busybox" "$1/bin/busybox"
	for applet in $APPLETS; do ln -s /bin/busybox "$1/bin/$applet"; done
}

# overlay_rootfs FOLDER: a plain image as the lower layer and an empty upper layer.
overlay_rootfs() {
	mkdir -p "$1" "$1.upper" "$1.work"
	[ -d "$HF/image" ] || plain_rootfs "$HF/image"
	mount -t overlay overlay \
		-o "lowerdir=$HF/image,upperdir=$1.upper,workdir=$1.work" "$1"
}

rootfs_folders() {
	local folder
	for folder in bin opt/tools/deep usr/local/bin tmp proc dev sys etc; do
		mkdir -p "$1/$folder"
	done
	chmod 1777 "$1/tmp"
	echo hello >"$1/etc/motd"
}

json_list() { # json_list WORD...: ["WORD", ...]
	local separator='' word
	printf '['
	for word in "$@"; do
		printf '%s"%s"' "$separator" "$(printf '%s' "$word" | sed 's/\\/\\\\/g; s/"/\\"/g')"
		separator=', '
	done
	printf ']'
}

# Milliseconds. An emulated machine on a busy one can need more than the default.
HOOK_TIMEOUT=20000

hook() { # hook STAGE: our hook, as hooks.d and packaging install it
	printf '"%s": [{"path": "%s", "args": %s, "timeout": 60}]' "$1" "${OCI_HOOK:-$HOLDFAST_BIN/oci-hook}" \
		"$(json_list oci-hook --socket "$HOOK_SOCKET" --timeout "$HOOK_TIMEOUT" --fail "${HOOK_FAIL:-open}" "$1")"
}

namespaces() { # {"type": "pid"}, ... without those in SHARE
	local separator='' type
	for type in pid ipc uts mount network; do
		case " ${SHARE:-} " in *" $type "*) continue ;; esac
		printf '%s{"type": "%s"}' "$separator" "$type"
		separator=', '
	done
	# cgroup1 has no delegation to give a container a namespace of
	[ "$CGROUP" != v2 ] || printf '%s{"type": "cgroup"}' "$separator"
}

# bundle NAME ARGUMENT...: $HF/bundles/NAME with rootfs/ (ROOTFS: plain, linked,
# overlay) and config.json. From the environment:
#   POLICY       value of the label that names a policy; empty: unmanaged
#   CONTAINER    name of the container in the pod, default app
#   CAPABILITIES CAP_... names        SHARE  namespaces shared with the host
#   HOOKS=none   no hooks             MOUNTS more mounts, as JSON with a leading comma
#   POD          its pod, default pod-NAME   NAMESPACE  default e2e   LEARN  value of the annotation that asks to be learned
bundle() {
	local name="$1" folder capabilities hooks='' label=''
	shift
	folder=$HF/bundles/$name
	mkdir -p "$folder"
	[ -d "$folder/rootfs" ] || "${ROOTFS:-plain}_rootfs" "$folder/rootfs"
	# shellcheck disable=SC2086 # CAPABILITIES is a list
	capabilities=$(json_list ${CAPABILITIES:-CAP_KILL CAP_DAC_OVERRIDE})
	[ "${HOOKS:-}" = none ] || hooks="$(hook createRuntime), $(hook poststart), $(hook poststop)"
	[ -z "${POLICY:-}" ] || label="\"security.rancher.io/policy\": \"$POLICY\","
	[ -z "${LEARN:-}" ] || label="$label\"security.rancher.io/learn\": \"$LEARN\","
	cat >"$folder/config.json" <<JSON
{
 "ociVersion": "1.0.2",
 "process": {
  "terminal": false,
  "user": {"uid": 0, "gid": 0},
  "args": $(json_list "$@"),
  "env": ["PATH=/usr/local/bin:/bin"],
  "cwd": "/",
  "capabilities": {"bounding": $capabilities, "effective": $capabilities, "permitted": $capabilities},
  "noNewPrivileges": true
 },
 "root": {"path": "rootfs", "readonly": false},
 "hostname": "$name",
 "mounts": [
  {"destination": "/proc", "type": "proc", "source": "proc"},
  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}${MOUNTS:-}
 ],
 "annotations": {
  $label
  "io.kubernetes.pod.namespace": "${NAMESPACE:-e2e}",
  "io.kubernetes.pod.name": "${POD:-pod-$name}",
  "io.kubernetes.container.name": "${CONTAINER:-app}"
 },
 "hooks": {$hooks},
 "linux": {
  "cgroupsPath": "/$(basename "$HF")/$name",
  "resources": {"devices": [{"allow": false, "access": "rwm"}]},
  "namespaces": [$(namespaces)]
 }
}
JSON
}

rootfs_of() { echo "$HF/bundles/$1/rootfs"; }

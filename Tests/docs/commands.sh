#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# commands: the commands of the documents are run, and what they print is what is shown.
# In a view of this machine in which Holdfast is installed in its places, with nothing of it
# outside; mapd runs at ATTACH, and a pod of a web shop is in protect.
docs=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$docs/../.." && pwd)

# The machine's own folders as the lower layers; bpffs is a new one.
if [ -z "${DOCS_VIEW:-}" ]; then
	DOCS_VIEW=$(mktemp -d /tmp/hf-docs-XXXXXX)
	export DOCS_VIEW
	unshare -m sh "$0"
	code=$?
	rm -rf "$DOCS_VIEW"
	rmdir /run/holdfast /var/lib/holdfast 2>/dev/null
	exit "$code"
fi
mount --make-rprivate /
for folder in usr etc; do
	upper=$DOCS_VIEW/$folder
	mkdir -p "$upper" "$upper.work"
	mount -t overlay view -o "lowerdir=/$folder,upperdir=$upper,workdir=$upper.work" "/$folder" || exit 125
done
for folder in /run/holdfast /var/lib/holdfast; do
	mkdir -p "$folder"
	mount -t tmpfs -o mode=755 holdfast "$folder"
done
mount -t bpf bpf /sys/fs/bpf

here=$docs/../e2e
RUN_DIR=/run/holdfast
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
BPFFS=/sys/fs/bpf/holdfast POLICIES=/etc/holdfast/policies.d OCI_HOOK=/usr/libexec/holdfast/oci-hook
RUNTIME=$(echo "${RUNTIMES:-runc}" | cut -d ' ' -f 1)

start_mapd() {
	mapd --attach "$ATTACH" >"$HF/mapd.log" 2>&1 &
	MAPD_PID=$!
	wait_until mapd_answers
}

check "make install" make -s -C "$root" install BIN="$HOLDFAST_BIN"
rm -f "$POLICIES"/*
check "mapd starts, in its places" start_mapd
cat >"$POLICIES/web.yaml" <<'POLICY'
apiVersion: security.rancher.io/v1alpha1
kind: WorkloadPolicy
metadata: {name: web, namespace: shop}
spec:
  mode: protect
  rulesByContainer:
    nginx: {executables: {allowed: [/bin/sh, /bin/sleep]}}
POLICY
wait_until policy_in_force web protect
NAMESPACE=shop POD=web-7d4b9c6f5-x2x9z CONTAINER=nginx POLICY=web bundle web-1 /bin/sh -c "$OBEY"
check "a container is protected" start_container web-1
check "something is refused" refused web-1 /bin/touch /tmp/witness
wait_until event executable=/bin/touch

cd "$root" || exit 125
[ -n "${DOCS:-}" ] || skip "docs/journey.md: Tests/e2e/journey.sh has run and written it"
# shellcheck disable=SC2086 # a list
python3 "$docs/blocks.py" ${DOCS:-$(find README.md CONTRIBUTING.md docs -name "*.md" ! -name journey.md | sort)} >"$HF/blocks.log" 2>&1 ||
	fail "blocks.py" "$HF/blocks.log"
while IFS= read -r line; do
	case $line in
	'ok '*) pass "${line#ok }" ;;
	'skip '*) skip "${line#skip }" ;;
	'FAIL '*) fail "${line#FAIL }" ;;
	*) echo "$line" ;;
	esac
done <"$HF/blocks.log"
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# doctor: mapctl doctor on this machine's kernel, a real gate and a system of files below a
# folder, which is broken in one way at a time: it must say so, with its remedy and its exit code.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

SYSTEM=$HF/system
PROGRAM=$SYSTEM/usr/libexec/holdfast/oci-hook
HOOKS=$SYSTEM/usr/share/containers/oci/hooks.d

doctor() {
	mapctl doctor --bpffs "$BPFFS" --gate-object "${OBJECT:-$HOLDFAST_BIN/gate.bpf.o}" --root "$SYSTEM" "$@"
}

# What is about the hook: other findings depend on the machine.
hooks_fine() { doctor --json | jq -e '[.findings[] | select(.area == "hooks" and .level != "fine")] == []'; }
finding() { # finding AREA LEVEL WORDS: there is one, and it has a remedy unless it is fine
	doctor --json >"$HF/doctor.json"
	jq -e --arg area "$1" --arg level "$2" --arg words "$3" '.findings[] | select(.area == $area and .level == $level)
		| select(.text | contains($words)) | $level == "fine" or (.remedy | length > 0)' "$HF/doctor.json" || {
		cat "$HF/doctor.json"
		return 1
	}
}
# The exit code is the worst level's.
code_fits() {
	doctor --json >"$HF/doctor.json"
	code=$?
	case $(jq -r '[.findings[].level] | if index("error") then 4 elif index("warning") or index("unknown") then 1 else 0 end' \
		"$HF/doctor.json") in "$code") ;; *) return 1 ;; esac
}

if ! command -v jq >/dev/null; then
	skip "doctor: no jq here to read its JSON with"
	finish
fi

check "without a gate, a mapd and a hook: exit code 4" ends_with 4 doctor
says "and says what is missing" "$HF/check.log" "no gate is pinned" "cannot reach mapd" "systemctl start mapd"

mkdir -p "$SYSTEM/usr/bin" "$SYSTEM/etc/holdfast"
printf '#!/bin/sh\n' >"$SYSTEM/usr/bin/podman"
chmod 755 "$SYSTEM/usr/bin/podman"
check "a runtime that is here and not told is an error" finding hooks error "podman is on this machine"

mapctl hooks install --runtime podman --root "$SYSTEM" --binary "$HOLDFAST_BIN/oci-hook" >/dev/null
check "installed: nothing is wrong with the hook" hooks_fine
check "which is of this release" finding versions fine "the hook is of this release"

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
check "the attach point is told" finding gate "$([ "$ATTACH" = kill ] && echo warning || echo fine)" "attached at $ATTACH"
[ "$ATTACH" = lsm ] || check "and why it is not a better one" finding gate \
	"$([ "$ATTACH" = kill ] && echo warning || echo fine)" "lsm is not used: "
check "the pinned program is that of the installed object" finding versions fine "the pinned program is that of"
check "mapd answers, of this release" finding versions fine "mapd and mapctl are"
check "the fill of the maps" finding maps fine "bindings: 0 of"
check "the exit code is the worst finding's" code_fits

if [ -e "$HOLDFAST_BIN/gate-changed.bpf.o" ]; then
	OBJECT=$HOLDFAST_BIN/gate-changed.bpf.o
	check "another object was installed, and mapd not restarted" finding versions warning "mapd was not restarted"
	OBJECT=
else
	skip "doctor: no changed gate (make test-programs)"
fi
check "an object that is not there is no reason to fail" eval 'OBJECT=$HF/none finding versions unknown "cannot be compared"'

mv "$PROGRAM" "$PROGRAM.away"
check "JSON without the program: the runtime skips it without a word" finding hooks error "WITHOUT PROTECTION"
check "exit code 4" ends_with 4 doctor
mv "$PROGRAM.away" "$PROGRAM"
chmod 644 "$PROGRAM"
check "a program that is not executable" finding hooks error "cannot be executed"
chmod 755 "$PROGRAM"
cp "$PROGRAM" "$HF/hook"
printf '#!/bin/sh\n[ "$1" != --version ] || echo oci-hook 0.0.1 protocol 1\n' >"$PROGRAM"
check "a program of another release" finding versions warning "oci-hook 0.0.1 protocol 1"
cp "$HF/hook" "$PROGRAM"
for text in '{"fail": "sometimes"}' '{"unknown": 1}' '{' '{"timeoutMilliseconds": 0}'; do
	echo "$text" >"$SYSTEM/etc/holdfast/hook.json"
	check "hook.json $text: no container would start" finding hooks error "the hook refuses its configuration"
done
echo '{"timeoutMilliseconds": 9000}' >"$SYSTEM/etc/holdfast/hook.json"
check "a time limit above the runtime's" finding hooks error "the runtime kills the hook after"
rm "$SYSTEM/etc/holdfast/hook.json"
echo '{' >"$HOOKS/holdfast-poststop.json"
check "a hook's JSON that is none" finding hooks error "is not JSON"
rm "$HOOKS/holdfast-poststop.json"
check "a stage without a hook" finding hooks error "has the hook at poststop"
mapctl hooks install --runtime podman --root "$SYSTEM" --binary "$HOLDFAST_BIN/oci-hook" >/dev/null
check "installed again all is well with it" hooks_fine

echo 'kind: Nonsense' >"$POLICIES/bad.yaml"
check "a policy that is not understood" wait_until finding mapd warning "problems in policy files"
rm "$POLICIES/bad.yaml"

kill_mapd
check "mapd is gone: an error" finding mapd error "what is bound stays so"
check "the gate is seen all the same" finding gate "$([ "$ATTACH" = kill ] && echo warning || echo fine)" "attached at $ATTACH"
check "so is the fill of its maps" finding maps fine "rules: 0 of"
check "exit code 4" ends_with 4 doctor
rm "$BPFFS"/v*/link_*
check "no program is attached any more" finding gate error "no program is attached"
rm -rf "$BPFFS"

if id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
	mkdir "$HF/open" && cp "$HOLDFAST_BIN/mapctl" "$HF/open/"
	chmod 755 "$HF" "$HF/open"
	check "mapd is there again" start_mapd
	# shellcheck disable=SC2016 # for the inner shell
	setpriv --reuid nobody --clear-groups "$HF/open/mapctl" --socket "$CONTROL_SOCKET" doctor --bpffs "$BPFFS" \
		--root "$SYSTEM" >"$HF/nobody.log" 2>&1
	check "not root: what it could not look at is said" eval \
		'grep -q "^unknown *gate" "$HF/nobody.log" && grep -q "^unknown *mapd" "$HF/nobody.log" && grep -q "as root" "$HF/nobody.log"'
else
	skip "doctor: no way here to be another user"
fi
finish

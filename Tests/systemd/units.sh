#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# units: what `make install` puts in its places, and what systemd's own tools say of it.
systemd=$(cd "$(dirname "$0")" && pwd)
here=$systemd/../e2e
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

ROOT=$HF/root
UNITS="mapd.service mapd.socket mapd-control.socket"
UNIT=$ROOT/usr/lib/systemd/system/mapd.service
EXPOSURE_MAX=30 # tenths

verifies() { # not a word, as --recursive-errors=no still prints what is wrong
	# shellcheck disable=SC2086 # a list
	systemd-analyze verify --root="$ROOT" --recursive-errors=no --man=no $UNITS >"$HF/verify.log" 2>&1 &&
		! grep . "$HF/verify.log"
}

# exposure [DROP-IN LINE...]: of the unit, in tenths; with these settings in place of its own.
exposure() {
	cp "$UNIT" "$HF/mapd.service"
	[ $# -eq 0 ] || printf '[Service]\n' >>"$HF/mapd.service"
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$HF/mapd.service"
	systemd-analyze security --offline=true --no-pager "$HF/mapd.service" |
		sed -n 's/.*Overall exposure level for mapd.service: \([0-9]*\)\.\([0-9]\).*/\1\2/p' | sed 's/^0*//'
}
at_most() { [ -n "$1" ] && [ "$1" -le "$2" ]; }

if ! command -v systemd-analyze >/dev/null; then
	skip "units: no systemd-analyze on this machine"
	finish
fi
check "make install, to a folder" make -s -C "$systemd/../.." install BIN="$HOLDFAST_BIN" DESTDIR="$ROOT"
for file in usr/sbin/mapd usr/bin/mapctl usr/libexec/holdfast/oci-hook usr/lib/holdfast/gate.bpf.o usr/lib/holdfast/gate-6.2.bpf.o; do
	check "/$file is there" test -s "$ROOT/$file"
done
for stage in createRuntime poststart poststop; do
	json=$ROOT/usr/share/containers/oci/hooks.d/holdfast-$stage.json
	hook=$(sed -n 's/.*"path" *: *"\(.*\)".*/\1/p' "$json")
	check "the hook of $stage names a program that is installed" test -x "$ROOT$hook"
done
check "the folder for policies is there, and empty: nothing is enforced unasked" rmdir "$ROOT/etc/holdfast/policies.d"

# The units are looked at among the system's own, which they refer to, and with the command
# of the system that a reload calls.
cp -rn /usr/lib/systemd/system/. "$ROOT/usr/lib/systemd/system/"
mkdir -p "$ROOT/bin"
cp /bin/kill "$ROOT/bin/kill"
check "systemd-analyze verify has nothing to say" verifies
sed -i 's/^Restart=always/Restart=allways/' "$UNIT"
refute "(it would say so of a mistake)" verifies
sed -i 's/^Restart=allways/Restart=always/' "$UNIT"

score=$(exposure)
say "systemd-analyze security: ${score:-none} tenths, at most $EXPOSURE_MAX"
check "its exposure is at most 3.0" at_most "$score" $EXPOSURE_MAX
refute "(without its settings for files and network it is above)" at_most \
	"$(exposure PrivateNetwork=no ProtectSystem=no ProtectHome=no PrivateDevices=no PrivateMounts=no ProtectControlGroups=no \
		ProtectKernelModules=no ProtectKernelLogs=no)" $EXPOSURE_MAX
refute "nothing in the unit takes the gate down" grep -E '^(ExecStop|ExecStopPost)=' "$UNIT"
check "a reload is a signal to mapd, and no more" [ "$(sed -n 's/^ExecReload=//p' "$UNIT")" = "/bin/kill -HUP \$MAINPID" ]
for service in containerd crio podman docker kubelet; do
	check "mapd starts before $service" grep -qE "^Before=.*\\b$service\\.service" "$UNIT"
done
finish

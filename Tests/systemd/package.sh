#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# package: the Debian package as its users handle it, with apt on a Debian with systemd:
# installed, upgraded and downgraded under a storm of execs, removed, installed again, purged.
# Only for a guest that Tests/vm/run boots for it: it uses the machine's own places.
systemd=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/systemd/service.sh
. "$systemd/service.sh"

PACKAGES=/opt/packages
EARLIER=0.0.9
NEWER=$(basename "$PACKAGES"/holdfast_0.[1-9]*.deb | cut -d _ -f 2)
BASE_SPEC=/etc/containerd/holdfast-base-spec.json

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 "$@" </dev/null; }
install_version() { apt --allow-downgrades install "$PACKAGES/holdfast_$1_amd64.deb"; }
installed_version() { dpkg-query -W -f '${db:Status-Abbrev}${Version}' holdfast 2>/dev/null; }
version_is() { [ "$(installed_version)" = "ii $1" ]; }
listening_since() { systemctl show --value -p ActiveEnterTimestampMonotonic mapd.socket mapd-control.socket | xargs; }
have_listened_since() {
	journalctl -o short-monotonic --no-pager -u mapd.socket -u mapd-control.socket | tail -n 10
	echo "listening since $(listening_since), before: $1"
	[ "$(listening_since)" = "$1" ]
}
enabled() { [ "$(systemctl is-enabled "$1")" = enabled ]; }

installs() {
	check "apt installs $EARLIER" install_version $EARLIER
	check "it is installed" version_is $EARLIER
	for unit in $UNITS; do
		check "$unit is enabled" enabled "$unit"
		check "$unit is active" state_is "$unit" active
	done
	check "mapctl reaches mapd" mapctl status
	check "the gate is attached at $ATTACH" status_says "\"attachPoint\":\"$ATTACH\""
	check "nothing is enforced unasked" fill_is bindings 0
	check "podman and CRI-O are told of the hook" mapctl hooks status
	mapctl hooks install --runtime podman >"$HF/hooks.log" 2>&1
	says "as mapctl hooks install would have it" "$HF/hooks.log" "unchanged $OCI_HOOK"
	refute "(nothing of it had to be written)" grep '^wrote' "$HF/hooks.log"
	check "bash completes mapctl" grep -q hooks /usr/share/bash-completion/completions/mapctl
	check "CRDs are there" test -s /usr/share/holdfast/crds/workloadpolicies.yaml
	check "/run/holdfast is there from boot on" grep -q '^d /run/holdfast ' /usr/lib/tmpfiles.d/holdfast.conf
}

# change_version VERSION: a container that is created meanwhile waits in the socket, and starts.
change_version() {
	local pid since
	pid=$(main_pid) since=$(listening_since)
	make_storm "during-$1"
	install_version "$1" >"$HF/apt.log" 2>&1 &
	apt=$!
	check "$1: a container is created meanwhile, and starts" start_storm "during-$1"
	if wait "$apt"; then pass "apt installs $1"; else fail "apt installs $1" "$HF/apt.log"; fi
	check "it is installed" version_is "$1"
	check "another mapd runs" wait_until is_another "$pid"
	eventually "and answers" mapctl status
	check "its sockets have listened all the time" have_listened_since "$since"
	check "$1: the storm's container is still bound" bound storm
	check "$1: and so is the container of meanwhile" bound "during-$1"
	check "$1: the storm goes on" goes_on storm
	check "$1: the other one begins" wait_until going "during-$1"
	stop_storm "during-$1" 1
	eventually "$1: the reports have all of its count" told_all "during-$1"
	remove_storm "during-$1"
	check "the operator's line in mapd.yaml is there" grep -q 'an operator wrote this' /etc/holdfast/mapd.yaml
}

upgrades() {
	echo '# an operator wrote this' >>/etc/holdfast/mapd.yaml
	storm_policy "during-$NEWER"
	storm_policy "during-$EARLIER"
	wait_until policy_in_force "during-$EARLIER" protect
	change_version "$NEWER"
	check "the gate is the newer one's" cmp /usr/lib/holdfast/gate.bpf.o "$HOLDFAST_BIN/gate.bpf.o"
	change_version "$EARLIER"
	outcome_so_far package-upgrades 2
}

removal_refused() {
	local pid
	pid=$(main_pid)
	mkdir -p "$(dirname "$BASE_SPEC")"
	echo '{}' >"$BASE_SPEC"
	refute "removal is refused while containerd's containers need the hook" apt remove holdfast
	mv "$HF/check.log" "$HF/remove.log"
	says "and says what to do first" "$HF/remove.log" "$BASE_SPEC" "mapctl hooks uninstall --runtime containerd"
	check "mapd is there still" state_is mapd.service active
	check "and what is refused stays refused" refused shell /bin/touch /tmp/witness
	rm "$BASE_SPEC"
}

removed() {
	check "apt remove" apt remove holdfast
	mv "$HF/check.log" "$HF/remove.log"
	says "it says whose protection ends" "$HF/remove.log" "no longer protected" e2e/pod-shell/app
	check "at once: the container may run anything" in_shell shell '/bin/touch /tmp/witness'
	refute "no pin is left" test -e "$BPFFS"
	for gone in /usr/sbin/mapd /usr/bin/mapctl $OCI_HOOK /lib/systemd/system/mapd.service \
		/usr/share/containers/oci/hooks.d/holdfast-createRuntime.json; do
		refute "$gone is gone" test -e "$gone"
	done
	check "nobody listens any more" test "$(systemctl is-active mapd.socket)" = inactive
	check "policies stay" test -e "$POLICIES/shell.yaml"
	check "so does what is known of containers" test -e /var/lib/holdfast
	HOOKS=none POLICY='' bundle unhindered /bin/true
	check "a container starts unhindered" run_bundle unhindered
}

installed_again() {
	rm -f "$(rootfs_of shell)/tmp/witness"
	check "apt installs it again" install_version "$NEWER"
	check "the operator's line in mapd.yaml is there" grep -q 'an operator wrote this' /etc/holdfast/mapd.yaml
	eventually "what still runs is bound" bound shell
	check "and protected" refused shell /bin/touch /tmp/witness
}

purged() {
	check "apt purge" apt purge holdfast
	for gone in /etc/holdfast /var/lib/holdfast /run/holdfast $BPFFS /etc/systemd/system/sockets.target.wants/mapd.socket; do
		refute "$gone is gone" test -e "$gone"
	done
	check "dpkg knows nothing of it" test "$(installed_version)" = ""
	check "and the container runs on, unhindered" in_shell shell '/bin/touch /tmp/witness'
}

say "$(cat /etc/debian_version), $(/lib/systemd/systemd --version | head -n 1), up $(cut -d ' ' -f 1 /proc/uptime) s"
installs
check "a storm begins" begin_storm storm
# shellcheck disable=SC2086 # a list
policy shell protect "$(allow_only app $SH_RULES)"
ROOTFS=plain ready_container shell protect "$OBEY"
foreign shell
for scenario in upgrades removal_refused; do
	say "$scenario, up $(cut -d ' ' -f 1 /proc/uptime) s"
	$scenario
done
stop_storm storm
eventually "the reports have all of the storm's count" told_all storm
say "counted $(told storm) of $(score storm tried) forbidden execs that the storm tried"
outcome_so_far package 1
remove_storm storm
for scenario in removed installed_again purged; do
	say "$scenario, up $(cut -d ' ' -f 1 /proc/uptime) s"
	$scenario
done
finish

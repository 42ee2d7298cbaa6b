#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# guest: mapd as the service of a real systemd, installed in its places: started, stopped,
# restarted, killed, stopped dead and upgraded under a storm of execs. Only for a guest that
# Tests/vm/run boots for it: it uses the machine's own places. ONLY= names of scenarios.
systemd=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/systemd/service.sh
. "$systemd/service.sh"
ROUNDS=$(rounds_of 10)
# shellcheck source=Tests/systemd/driver.sh
. "$systemd/driver.sh"
# shellcheck source=Tests/systemd/doctor.sh
. "$systemd/doctor.sh"

# As a package does it: renamed into place, then a restart.
install_over() { cp "$1" "$2.new" && mv "$2.new" "$2"; }
upgrade() { # upgrade OBJECT: with a program file that is another one as well
	cp /usr/sbin/mapd "$HF/mapd.new"
	echo "$1" >>"$HF/mapd.new"
	install_over "$HF/mapd.new" /usr/sbin/mapd
	chmod 755 /usr/sbin/mapd
	install_over "$1" "$OBJECT"
	systemctl restart mapd.service
}

service_starts() {
	# shellcheck disable=SC2086 # a list
	check "the units can be enabled" systemctl enable $UNITS
	if ! systemctl start mapd.service; then
		log >"$HF/mapd.log"
		fail "systemctl start mapd" "$HF/mapd.log"
		finish
	fi
	pass "systemctl start mapd"
	check "Type=notify: it is active because it said so" state_is mapd.service active
	check "both sockets are systemd's" state_is mapd.socket active
	check "mapctl reaches it" mapctl status
	mapctl status --json | plain_json >"$HF/status.log"
	says "the gate is attached at $ATTACH" "$HF/status.log" "\"attachPoint\":\"$ATTACH\"" '"gateAttached":true'
	log >"$HF/mapd.log"
	# CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_SYS_ADMIN
	check "it has the unit's three capabilities" test "$(keys CapEff)" = 0000000000280004
	check "and can get no others" test "$(keys CapBnd) $(keys NoNewPrivs)" = "0000000000280004 1"
	# field 19 of /proc/PID/task/TID/stat
	check "one thread of it, that of the hooks, comes before other processes" test \
		"$(sed 's/.*) //' "/proc/$(main_pid)"/task/*/stat | cut -d ' ' -f 17 | grep -cx -e -20)" = 1
	check "its system calls are filtered" test "$(keys Seccomp)" = 2
	refute "it has a mount namespace of its own" \
		test "$(readlink "/proc/$(main_pid)/ns/mnt")" = "$(readlink /proc/1/ns/mnt)"
	check "where /etc cannot be written" grep -q ' / / ro' "/proc/$(main_pid)/mountinfo"
	check "nor /sys, but for the bpf filesystem" eval 'grep -q " /sys ro" "/proc/$(main_pid)/mountinfo" &&
		grep " /sys/fs/bpf " "/proc/$(main_pid)/mountinfo" | tail -n 1 | grep -q " /sys/fs/bpf rw"'
	check "the pins are the host's" test -e "$BPFFS/v1/bindings"
	check "status is for root only" test "$(stat -c %a $CONTROL_SOCKET)" = 600
}

restarts() {
	local round=0 pid
	while [ "$round" -lt "$ROUNDS" ]; do
		round=$((round + 1))
		pid=$(main_pid)
		if [ $((round % 2)) -eq 0 ]; then
			systemctl restart mapd.service || fail "round $round: systemctl restart" "$HF/mapd.log"
		else
			kill -9 "$pid"
		fi
		wait_until is_another "$pid" || fail "round $round: another mapd runs"
		goes_on storm || fail "round $round: the storm goes on"
	done
	check "restarted $ROUNDS times, half of them after kill -9" wait_until mapctl status
	check "the storm's container is still bound" bound storm
	outcome_so_far restarts "$ROUNDS"
}

upgrades_under_systemd() {
	local object
	for object in gate-changed gate-v2 gate; do
		check "upgrade to a new mapd with $object.bpf.o" upgrade "$HOLDFAST_BIN/$object.bpf.o"
		eventually "$object: it answers" mapctl status
		check "$object: the container is still bound" bound storm
		check "$object: the storm goes on" goes_on storm
	done
	check "one layout is pinned" test "$(echo "$BPFFS"/v*)" = "$BPFFS/v1"
	outcome_so_far upgrades 3
}

# Nothing that a workload could see happens between stop and start.
stopped_and_activated() {
	check "systemctl stop mapd" systemctl stop mapd.service
	check "it is gone" state_is mapd.service inactive
	check "its sockets listen" state_is mapd.socket active
	check "the gate stays in force: the storm goes on" goes_on storm
	check "and what is refused stays refused" refused shell /bin/touch /tmp/witness
	storm_policy late
	make_storm late
	check "a container created now waits for mapd, and starts" start_storm late
	eventually "its storm goes on" going late
	eventually "mapd was started for it" state_is mapd.service active
	check "and has bound it" bound late
	stop_storm late
	eventually "the reports have all of its count" told_all late
}

stands_still() {
	local pid before
	pid=$(main_pid) before=$(property NRestarts)
	kill -STOP "$pid"
	eventually "the watchdog's time is over: systemd starts another" restarted "$before"
	check "which runs" wait_until is_another "$pid"
	eventually "and answers" mapctl status
	log >"$HF/mapd.log"
	says "systemd says why" "$HF/mapd.log" watchdog
	check "the storm goes on" goes_on storm
}

# Podman keeps its containers' roots in a private mount: mapd must not hold copies of them.
# systemd 252 builds the service's root on top of a copy of the host's, which nobody in that
# namespace can reach any more: see docs/systemd.md.
roots_are_left() {
	local graph="$HF/graph" mounted
	mkdir -p "$graph" && mount -t tmpfs graph "$graph" && mount --make-private "$graph"
	mkdir "$graph/lower" "$graph/upper" "$graph/work" "$graph/merged"
	mounted="index=on,lowerdir=$graph/lower,upperdir=$graph/upper,workdir=$graph/work"
	mount -t overlay root -o "$mounted" "$graph/merged"
	check "mapd starts while a root is mounted" systemctl restart mapd.service
	umount "$graph/merged"
	refute "of which mapd sees no copy" grep -q "$graph/merged" "/proc/$(main_pid)/mountinfo"
	if mount -t overlay root -o "$mounted" "$graph/merged"; then
		pass "the root can be mounted again"
	else
		skip "the root can be mounted again: not with index=on, systemd keeps a copy"
		mount -t overlay root -o "${mounted#index=on,}" "$graph/merged"
	fi
	umount "$graph/merged" && umount "$graph"
}

# A new bpf filesystem must be seen in mapd's own mount namespace, too.
pins_made_anew() {
	umount -l /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
	eventually "on a new bpf filesystem the pins are made anew" test -e "$BPFFS/v1/link_gate_$ATTACH"
	systemctl restart mapd.service
	eventually "and the next mapd takes them over" adopts
	check "the container is still bound" bound storm
	check "the storm goes on" goes_on storm
}
adopts() { mapctl status --json | plain_json | grep -qF '"adopted":true'; }

taken_down() {
	check "mapctl uninstall is refused while mapd runs" refuses_uninstall "mapd runs"
	systemctl stop mapd.service
	check "and while its sockets listen" refuses_uninstall "listened on"
	check "the gate is still in force" refused shell /bin/touch /tmp/witness
	# shellcheck disable=SC2086 # a list
	check "systemctl disable --now" systemctl disable --now $UNITS
	check "then it takes the gate down" mapctl uninstall --yes
	check "at once" in_shell shell '/bin/touch /tmp/witness'
	refute "and leaves no pin" test -e "$BPFFS"
}
refuses_uninstall() {
	local code=0
	mapctl uninstall --yes >"$HF/uninstall.log" 2>&1 || code=$?
	[ "$code" -eq 4 ] && grep -qF "$1" "$HF/uninstall.log"
}

say "$(/lib/systemd/systemd --version | head -n 1), up $(cut -d ' ' -f 1 /proc/uptime) s"
service_starts
begin_storm storm
if ! wait_until going storm; then
	fail "a storm begins" "$HF/storm.log"
	finish
fi
pass "a storm begins"
# shellcheck disable=SC2086 # a list
policy shell protect "$(allow_only app $SH_RULES)"
ROOTFS=plain ready_container shell protect "$OBEY"
foreign shell
# seen_by_doctor loads the gate for each of its steps, minutes on an emulated machine: only if asked for.
for scenario in systemd_driver ${ONLY:+seen_by_doctor} stopped_and_activated stands_still roots_are_left pins_made_anew upgrades_under_systemd restarts; do
	[ -z "${ONLY:-}" ] || case ",$ONLY," in *",$scenario,"*) ;; *) continue ;; esac
	say "$scenario, up $(cut -d ' ' -f 1 /proc/uptime) s"
	"$scenario"
done
stop_storm storm
remove_container shell
eventually "the reports have all of its count" told_all storm
say "counted $(told storm) of $(score storm tried) forbidden execs that the storm tried"
outcome_so_far systemd 1
ROOTFS=plain ready_container shell protect "$OBEY"
taken_down
finish

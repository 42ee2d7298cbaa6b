#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# doctor.sh: what mapctl doctor makes of the units of a real systemd, and of an upgrade that was
# not followed by a restart. See guest.sh.

# told LEVEL AREA WORDS: doctor has that finding; mapctl is the installed one, with no option
told_by_doctor() {
	mapctl doctor >"$HF/doctor.log" 2>&1
	grep -q "^$1 *$2 *$3" "$HF/doctor.log" || {
		cat "$HF/doctor.log"
		return 1
	}
}

seen_by_doctor() {
	local unit=/etc/systemd/system/mapd.service
	for one in $UNITS; do
		check "doctor: $one is in order" told_by_doctor ok service "$one is enabled and active"
	done
	check "doctor: the gate's attach point" told_by_doctor "[okwarning]*" gate "the gate is attached at $ATTACH"
	check "doctor: its program is the installed one" told_by_doctor ok versions "the pinned program is that of"

	printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/containerd.service
	systemctl daemon-reload
	check "doctor: a runtime's unit starts after mapd" told_by_doctor ok service "containerd.service starts after mapd"
	# systemd compares the time of the file that it has read.
	touch /usr/lib/systemd/system/mapd.service
	check "doctor: a unit was changed on disk" told_by_doctor warning service "mapd.service was changed on disk"
	sed /^Before=/d /usr/lib/systemd/system/mapd.service >"$unit"
	systemctl daemon-reload
	check "doctor: a runtime's unit may start before mapd" told_by_doctor ERROR service "containerd.service may start before"
	rm -f "$unit" /etc/systemd/system/containerd.service
	systemctl daemon-reload
	systemctl disable mapd.socket >/dev/null 2>&1
	check "doctor: a unit is not enabled" told_by_doctor warning service "mapd.socket is disabled"
	systemctl enable mapd.socket >/dev/null 2>&1

	cp /usr/sbin/mapd "$HF/mapd.same"
	install_over "$HF/mapd.same" /usr/sbin/mapd
	check "doctor: mapd's program was replaced" told_by_doctor warning versions "mapd's program was replaced"
	install_over "$HOLDFAST_BIN/gate-changed.bpf.o" "$OBJECT"
	check "doctor: so was the gate's" told_by_doctor warning versions "the pinned program is not that of"
	systemctl restart mapd.service
	eventually "restarted, the pinned program is that" told_by_doctor ok versions "the pinned program is that of"
	check "and mapd's" told_by_doctor ok versions "mapd and mapctl are"
	install_over "$HOLDFAST_BIN/gate.bpf.o" "$OBJECT"
	systemctl restart mapd.service
	eventually "mapd runs again" mapctl status
}

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# driver.sh: systemd's cgroup driver. The runtime asks systemd for a scope, named by
# `slice:prefix:name`, and the container is bound by what systemd makes of it. See guest.sh.

# driven RUNTIME: a program that asks systemd for its cgroups, whatever it is asked
driven() {
	printf '#!/bin/sh\nexec %s --systemd-cgroup "$@"\n' "$1" >"$HF/driven-$1"
	chmod 755 "$HF/driven-$1"
	RUNTIME=$HF/driven-$1
}

driver_bundle() { # driver_bundle NAME SLICE
	ROOTFS=plain POLICY=shell bundle "$1" /bin/sh -c "$OBEY"
	sed -i "s,\"cgroupsPath\": \"[^\"]*\",\"cgroupsPath\": \"$2:hf:$1\"," "$HF/bundles/$1/config.json"
}

in_subgroup() { mapctl containers --json | plain_json | tr ',' '\n' | grep '"cgroupPath"' | grep -qF "$1"; } # in_subgroup PATH

# As the kernel tells it, in the hierarchy that mapd binds by.
in_scope() { # in_scope NAME SLICE-PATH
	mapctl containers --json | plain_json | tr -d '\n' | sed 's/"attach"/\
&/g' | grep -F "\"id\":\"$1\"" | grep -qF "$2/hf-$1.scope"
}

systemd_driver() {
	local runtime plain="$RUNTIME"
	for runtime in runc crun; do
		driven "$runtime"
		HOOKS=none driver_bundle probe system.slice
		if ! start_container probe; then
			skip "systemd's cgroup driver with $runtime: $(tail -n 1 "$HF/probe.log")"
			remove_container probe
			continue
		fi
		remove_container probe
		driven_container "$runtime" system.slice /system.slice
		driven_container "$runtime" hf-e2e-burst.slice /hf.slice/hf-e2e.slice/hf-e2e-burst.slice
	done
	RUNTIME=$plain
}

driven_container() { # driven_container RUNTIME SLICE SLICE-PATH
	local one
	one=d$(echo "$1$2" | tr -d .-)
	driver_bundle "$one" "$2"
	check "$1, $2: it starts" start_container "$one"
	check "and is bound, in systemd's scope" in_scope "$one" "$3"
	[ "$1" = runc ] || check "in the sub-cgroup that crun makes there" in_subgroup "hf-$one.scope/container"
	check "a listed program runs" in_shell "$one" /bin/true
	check "an unlisted one is refused" refused "$one" /bin/touch /tmp/witness
	check "mapd starts anew" systemctl restart mapd.service
	check "and knows it" wait_until in_scope "$one" "$3"
	check "what is unlisted is refused" refused "$one" /bin/touch /tmp/witness
	check "systemd reloads its units" systemctl daemon-reload
	check "and it is refused still" refused "$one" /bin/touch /tmp/witness
	remove_container "$one"
	eventually "stopped, it is not bound any more" unbound "$one"
}

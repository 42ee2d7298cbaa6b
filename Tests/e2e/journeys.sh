#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# journeys.sh: the cases of main.sh. Each starts its own containers, with the runtime
# in their names, and removes them.

JOURNEYS="protected_container monitored_container first_instruction nested_cgroup
	names_in_a_pod unmanaged_container policy_comes_late policy_switch symbolic_links image_of_links
	scripts directory_rule overlay_drift"

SH_RULES="/bin/sh /bin/sleep /bin/true"

# protect NAME PATH...: a policy of that name and a container under it.
protect() {
	local name="$1"
	shift
	policy "$name" protect "$(allow_only app "$@")"
	ready_container "$name" protect "$OBEY"
}

# ready_container NAME MODE SCRIPT: under the policy of the same name.
ready_container() {
	wait_until policy_in_force "$1" "$2"
	POLICY=$1 bundle "$1" /bin/sh -c "$3"
	check "$RUNTIME: container $1 starts" start_container "$1"
}

done_with() { # done_with NAME...
	local one
	for one in "$@"; do
		remove_container "$one"
		rm -f "$POLICIES/$one.yaml"
	done
}

ran() { test -e "$(rootfs_of "$1")/tmp/witness"; }

# foreign NAME: /bin/touch is on no list; it would leave a witness.
foreign() {
	check "$RUNTIME: $1: a foreign exec is refused" refused "$1" /bin/touch /tmp/witness
	refute "$RUNTIME: $1: as a program of exec, too" inside "$1" /bin/touch /tmp/witness
	refute "$RUNTIME: $1: it never ran" ran "$1"
}

protected_container() {
	local name="protect-$RUNTIME"
	# shellcheck disable=SC2086 # a list
	protect "$name" $SH_RULES
	check "$RUNTIME: mapctl lists the container" bound "$name"
	check "$RUNTIME: an allowed exec runs" in_shell "$name" '/bin/true'
	check "$RUNTIME: as a program of exec, too" inside "$name" /bin/true
	foreign "$name"
	eventually "$RUNTIME: the violation is reported, with who and why" \
		event executable=/bin/touch namespace=e2e "pod=pod-$name" container=app \
		verdict=refuse reason=notlisted mode=protect uid=0 "attachPoint=$ATTACH"
	eventually "$RUNTIME: and by which policy" reported_policy "$name"
	remove_container "$name"
	eventually "$RUNTIME: the binding goes with the container" unbound "$name"
	done_with "$name"
}

reported_policy() { events | grep -F "\"pod\":\"pod-$1\"" | grep -qF "\"policy\":[\"e2e/$1\"]"; }

monitored_container() {
	local name="monitor-$RUNTIME"
	# shellcheck disable=SC2086 # a list
	policy "$name" monitor "$(allow_only app $SH_RULES)"
	ready_container "$name" monitor "$OBEY"
	check "$RUNTIME: in monitor a foreign exec runs" in_shell "$name" '/bin/touch /tmp/witness'
	check "$RUNTIME: it did run" ran "$name"
	eventually "$RUNTIME: and is reported" event executable=/bin/touch "pod=pod-$name" \
		verdict=report mode=monitor reason=notlisted
	done_with "$name"
}

# The very first exec of the container is judged: the policy is there before it.
first_instruction() {
	local name="first-$RUNTIME"
	policy "$name" protect "$(allow_only app /bin/true)"
	wait_until policy_in_force "$name" protect
	POLICY=$name bundle "$name" /bin/touch /tmp/witness
	refute "$RUNTIME: a foreign first program does not start" run_bundle "$name"
	refute "$RUNTIME: it never ran" ran "$name"
	remove_container "$name"
	POLICY=$name bundle "$name" /bin/true
	check "$RUNTIME: an allowed first program runs" run_bundle "$name"
	done_with "$name"
}

nested_cgroup() {
	local name="nested-$RUNTIME"
	# shellcheck disable=SC2086 # a list
	protect "$name" $SH_RULES
	check "$RUNTIME: the workload moves to a cgroup below its own" nest "$name" "$(pid_of "$name")"
	tell "$name" '/bin/touch /tmp/witness; echo $? >/tmp/code; /bin/true && echo ran >/tmp/allowed'
	eventually "$RUNTIME: there, an allowed exec runs" test -s "$(rootfs_of "$name")/tmp/allowed"
	refute "$RUNTIME: there, a foreign exec is refused" grep -qx 0 "$(rootfs_of "$name")/tmp/code"
	refute "$RUNTIME: it never ran" ran "$name"
	done_with "$name"
	unnest "$name"
}

# One policy, three containers: two have rules of their own, the third has none.
names_in_a_pod() {
	local name="pod-$RUNTIME" one
	policy "$name" protect "$(allow_only app /bin/sh /bin/ls)" "$(rules_for side /bin/sh /bin/cat)"
	wait_until policy_in_force "$name" protect
	for one in app side third; do
		POLICY=$name CONTAINER=$one bundle "$name-$one" /bin/sh -c "$OBEY"
		check "$RUNTIME: container $one starts" start_container "$name-$one"
	done
	check "$RUNTIME: app may what app lists" in_shell "$name-app" '/bin/ls /'
	check "$RUNTIME: app may not what side lists" refused "$name-app" /bin/cat /etc/motd
	check "$RUNTIME: side may what side lists" in_shell "$name-side" '/bin/cat /etc/motd'
	check "$RUNTIME: side may not what app lists" refused "$name-side" /bin/ls /
	check "$RUNTIME: a container without rules is let run" in_shell "$name-third" '/bin/touch /tmp/witness'
	eventually "$RUNTIME: but never silently" event executable=/bin/touch \
		"pod=pod-$name-third" container=third verdict=report
	done_with "$name-app" "$name-side" "$name-third"
	rm -f "$POLICIES/$name.yaml"

	policy "$name-ignored" protect "otherContainers: ignore" "$(allow_only app /bin/sh)"
	wait_until policy_in_force "$name-ignored" protect
	POLICY=$name-ignored CONTAINER=ignored bundle "$name-ignored" /bin/sh -c "$OBEY"
	check "$RUNTIME: with otherContainers: ignore it starts" start_container "$name-ignored"
	check "$RUNTIME: and runs anything" in_shell "$name-ignored" '/bin/touch /tmp/witness'
	refute "$RUNTIME: unreported" event container=ignored "pod=pod-$name-ignored"
	done_with "$name-ignored"
}

unmanaged_container() {
	local name="unmanaged-$RUNTIME"
	POLICY='' bundle "$name" /bin/sh -c "$OBEY"
	check "$RUNTIME: a container without a policy starts" start_container "$name"
	check "$RUNTIME: and runs anything" in_shell "$name" '/bin/touch /tmp/witness'
	check "$RUNTIME: it did run" ran "$name"
	refute "$RUNTIME: unreported" event "pod=pod-$name"
	done_with "$name"
}

rounds_seen() { grep -c round "$(rootfs_of "$1")/tmp/rounds"; }
rounds_past() { [ "$(rounds_seen "$1")" -gt "$2" ]; }

# A process that was forked before there was a binding goes on trying.
policy_comes_late() {
	local name="late-$RUNTIME"
	POLICY=$name bundle "$name" /bin/sh -c "$OBEY"
	check "$RUNTIME: a container starts before its policy is there" start_container "$name"
	tell "$name" '(while [ ! -e /tmp/stop ]; do /bin/touch /tmp/witness; echo round >>/tmp/rounds; done) &'
	eventually "$RUNTIME: and runs anything" ran "$name"
	# shellcheck disable=SC2086 # a list
	policy "$name" protect "$(allow_only app $SH_RULES)"
	eventually "$RUNTIME: the policy binds it as it runs" bound "$name"
	# an exec may have been judged just before
	wait_until rounds_past "$name" $(($(rounds_seen "$name") + 2))
	rm -f "$(rootfs_of "$name")/tmp/witness"
	check "$RUNTIME: the process of before goes on" wait_until rounds_past "$name" $(($(rounds_seen "$name") + 5))
	refute "$RUNTIME: and runs nothing foreign any more" ran "$name"
	check "$RUNTIME: an allowed exec runs" in_shell "$name" '/bin/true'
	eventually "$RUNTIME: the violation is reported" \
		event executable=/bin/touch "pod=pod-$name" verdict=refuse reason=notlisted
	touch "$(rootfs_of "$name")/tmp/stop"
	done_with "$name"
}

# The policy is edited six times while the container runs what is always allowed.
policy_switch() {
	local name="switch-$RUNTIME" round
	# shellcheck disable=SC2086 # a list
	protect "$name" $SH_RULES
	tell "$name" 'while [ ! -e /tmp/stop ]; do /bin/true || echo wrong >>/tmp/wrong; echo round >>/tmp/rounds; done'
	for round in 1 2 3; do
		# shellcheck disable=SC2086 # a list
		policy "$name" protect "$(allow_only app $SH_RULES /bin/touch)"
		eventually "$RUNTIME: edit $round: what is added may run" in_shell "$name" '/bin/touch /tmp/witness'
		# shellcheck disable=SC2086 # a list
		policy "$name" protect "$(allow_only app $SH_RULES)"
		eventually "$RUNTIME: edit $round: what is removed is refused" refused "$name" /bin/touch /tmp/other
	done
	check "$RUNTIME: the container went on all the time" test -s "$(rootfs_of "$name")/tmp/rounds"
	refute "$RUNTIME: and no edit refused what both versions allow" test -e "$(rootfs_of "$name")/tmp/wrong"
	touch "$(rootfs_of "$name")/tmp/stop"
	done_with "$name"
}

symbolic_links() {
	local name="links-$RUNTIME" root
	root=$(rootfs_of "$name")
	plain_rootfs "$root"
	ln -s ../../../bin/cat "$root/usr/local/bin/cat"
	ln -s /bin/touch "$root/usr/local/bin/touch"
	protect "$name" /bin/sh /usr/local/bin/cat
	check "$RUNTIME: a rule on a link allows what it points to" in_shell "$name" '/usr/local/bin/cat /etc/motd'
	check "$RUNTIME: by its own name, too" in_shell "$name" '/bin/cat /etc/motd'
	check "$RUNTIME: a link to a foreign file is refused" refused "$name" /usr/local/bin/touch /tmp/witness
	refute "$RUNTIME: it never ran" ran "$name"
	eventually "$RUNTIME: the report names the file, not the link" event executable=/bin/touch "pod=pod-$name"
	done_with "$name"
}

image_of_links() {
	local name="busybox-$RUNTIME"
	ROOTFS=linked protect "$name" /bin/sh
	# all of them are one file, and it is listed
	check "$RUNTIME: an image of links to one file" in_shell "$name" '/bin/touch /tmp/witness'
	check "$RUNTIME: it did run" ran "$name"
	done_with "$name"
}

# The script prints by its shell's own echo: one exec of the script, one of the shell.
script_container() { # script_container NAME PATH...
	local name="$1"
	shift
	plain_rootfs "$(rootfs_of "$name")"
	printf '#!/bin/sh\necho done\n' >"$(rootfs_of "$name")/opt/tools/script"
	chmod 755 "$(rootfs_of "$name")/opt/tools/script"
	policy "$name" protect "$(allow_only app /bin/sleep "$@")"
	wait_until policy_in_force "$name" protect
	POLICY=$name bundle "$name" /bin/sleep 100000
	check "$RUNTIME: container $name starts" start_container "$name"
}

scripts() {
	local name="script-$RUNTIME"
	script_container "$name" /opt/tools/script
	if [ "$ATTACH" = kill ]; then
		# The kill attach point sees an interpreter only, so implied ones are refused.
		refute "$RUNTIME: a listed script needs its interpreter listed" inside "$name" /opt/tools/script
		eventually "$RUNTIME: and says so" event executable=/bin/sh "pod=pod-$name" reason=scriptunseen
	else
		check "$RUNTIME: a listed script runs, with its interpreter" inside "$name" /opt/tools/script
	fi
	refute "$RUNTIME: the interpreter alone does not" inside "$name" /bin/sh -c :
	done_with "$name"

	name=listed-$RUNTIME
	INTERPRETERS=listed script_container "$name" /opt/tools/script
	refute "$RUNTIME: with interpreters: listed the script is refused" inside "$name" /opt/tools/script
	eventually "$RUNTIME: for its interpreter" event executable=/bin/sh "pod=pod-$name" reason=interpreternotlisted
	done_with "$name"

	name=both-$RUNTIME
	INTERPRETERS=listed script_container "$name" /opt/tools/script /bin/sh
	check "$RUNTIME: a script with a listed interpreter runs" inside "$name" /opt/tools/script
	done_with "$name"

	# The kill attach point sees /bin/sh, and that is listed.
	[ "$ATTACH" != kill ] || return
	name=shell-$RUNTIME
	script_container "$name" /bin/sh
	refute "$RUNTIME: a script that is not listed is refused" inside "$name" /opt/tools/script
	eventually "$RUNTIME: by its own name" event executable=/opt/tools/script "pod=pod-$name" reason=notlisted
	done_with "$name"
}

directory_rule() {
	local name="directory-$RUNTIME" root
	root=$(rootfs_of "$name")
	plain_rootfs "$root"
	ln "$root/bin/cat" "$root/opt/tools/cat"
	ln "$root/bin/cat" "$root/opt/tools/deep/cat"
	ln "$root/bin/cat" "$root/opt/cat"
	protect "$name" /bin/sh /opt/tools/
	check "$RUNTIME: a file in a listed directory runs" in_shell "$name" '/opt/tools/cat /etc/motd'
	check "$RUNTIME: and deeper" in_shell "$name" '/opt/tools/deep/cat /etc/motd'
	check "$RUNTIME: a file beside it is refused" refused "$name" /opt/cat /etc/motd
	foreign "$name"
	done_with "$name"
}

overlay_drift() {
	local name="overlay-$RUNTIME"
	ROOTFS=overlay protect "$name" /bin/sh /bin/true /bin/cp /usr/local/bin/touch
	check "$RUNTIME: on overlayfs an allowed exec runs" in_shell "$name" /bin/true
	foreign "$name"
	in_shell "$name" '/bin/cp /bin/touch /usr/local/bin/touch'
	check "$RUNTIME: a listed path written after the start is refused" refused "$name" /usr/local/bin/touch /tmp/witness
	eventually "$RUNTIME: because it is in the writable layer" event executable=/usr/local/bin/touch \
		"pod=pod-$name" reason=writablelayer
	done_with "$name"
}

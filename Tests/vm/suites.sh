#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash disable=SC2013 # words, not lines, are read from these files
# suites.sh: runs the suites of the kernel command line in a guest, and powers it off.
# Shared by init and, where systemd is the first process, holdfast-suites.service.
#
#   holdfast.suite=NAME[,NAME...]  Tests/e2e/NAME.sh or Tests/NAME.sh, one after another;
#                        faults: all of Tests/Faults
#   holdfast.env=A=1+B=2           environment for the suites
#
# ttyS0 carries the kernel's and this script's messages, ttyS1 the suite's output
# between HOLDFAST-BEGIN and HOLDFAST-END <exit code>.

say() { echo "init: $*"; }

end() {
	echo "HOLDFAST-END $1" >/dev/ttyS1
	sync
	# The serial port of an emulated machine drains as fast as it is written.
	busybox poweroff -f
}

value() { # value NAME DEFAULT: from the kernel command line
	for word in $(cat /proc/cmdline); do
		case $word in holdfast."$1"=*) echo "${word#*=}" && return ;; esac
	done
	echo "$2"
}

load_modules() {
	while read -r module; do
		insmod "/opt/modules/$module" || say "insmod $module failed"
	done </opt/modules/order
}

suites() { # the suites' names, one a line
	value suite smoke | tr ',' '\n' | while read -r suite; do
		if [ "$suite" = faults ]; then sed 's,^,Faults/,' /opt/holdfast/Tests/Faults/suites; else echo "$suite"; fi
	done
}

run_suites() {
	for pair in $(value env "" | tr '+' ' '); do export "${pair?}"; done
	export HOLDFAST_BIN=/opt/holdfast/bin HOLDFAST_GUEST=1
	stty -F /dev/ttyS1 raw 2>/dev/null
	code=0
	for suite in $(suites); do
		script=/opt/holdfast/Tests/e2e/$suite.sh
		[ -f "$script" ] || script=/opt/holdfast/Tests/$suite.sh
		if [ ! -f "$script" ]; then
			say "no suite '$suite'"
			end 125
		fi
		say "suite $suite begins, up $(cut -d ' ' -f 1 /proc/uptime) s"
		echo "HOLDFAST-BEGIN $suite" >/dev/ttyS1
		one=0
		(cd "${script%/*}" && exec sh "$script") </dev/null >/dev/ttyS1 2>&1 || one=$?
		say "suite $suite ended with $one, up $(cut -d ' ' -f 1 /proc/uptime) s"
		# Codes are kept below 100: 124 and above mean that the guest did not finish.
		[ "$one" -lt 100 ] || one=99
		[ "$one" -le "$code" ] || code=$one
	done
	end "$code"
}

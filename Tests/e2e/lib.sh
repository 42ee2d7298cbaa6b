#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lib.sh: what every suite shares: the scratch folder, the environment, checks that
# are counted, waiting with a limit, the closing line. For POSIX sh and busybox.
#
#   HOLDFAST_BIN  folder of mapd, mapctl, oci-hook, gate.bpf.o
#   ATTACH        lsm | fmod_ret | kill: the attach point that the suite is for
#   GATE          on | off: off starts mapd with --attach none; suites must fail
#   RUNTIMES      runc, crun or both; empty: what the suite is for
#   CGROUP        v2 | v1 | hybrid: the layout of this machine

# What a guest is given besides, as one word: ONLY=policy_switch:PATIENCE=30
for pair in $(echo "${SUITE_ARGUMENTS:-}" | tr ':' ' '); do export "${pair?}"; done

ATTACH=${ATTACH:-kill}
GATE=${GATE:-on}
CGROUP=${CGROUP:-v2}
# Separated by spaces or, as a kernel command line carries them, by commas.
RUNTIMES=$(echo "${RUNTIMES:-}" | tr ',' ' ')
: "${HOLDFAST_BIN:?lib.sh: set HOLDFAST_BIN to the folder of the binaries}"

# Short: the path of a Unix socket has 108 bytes.
# No dot in it: bpffs takes none in the names of its directories.
HF=$(mktemp -d "${HF_PARENT:-/tmp}/hf-e2e-XXXXXX")
PASSED=0 FAILED=0 SKIPPED=0
# Software emulation is some 20 times slower than the machine: a limit is only
# ever reached when something is wrong.
PATIENCE=${PATIENCE:-60}

say() { echo "-- $*"; }
pass() { PASSED=$((PASSED + 1)) && echo "ok   $*"; }
skip() { SKIPPED=$((SKIPPED + 1)) && echo "skip $*"; }

fail() { # fail WHAT [FILE]: FILE is shown, it says why
	FAILED=$((FAILED + 1))
	echo "FAIL $1"
	[ -z "${2:-}" ] || [ ! -e "$2" ] || tail -n 20 "$2" | sed 's/^/     /'
}

check() { # check WHAT COMMAND...: the command must succeed
	local what="$1"
	shift
	if "$@" >"$HF/check.log" 2>&1; then pass "$what"; else fail "$what" "$HF/check.log"; fi
}

refute() { # refute WHAT COMMAND...: the command must fail
	local what="$1"
	shift
	if "$@" >"$HF/check.log" 2>&1; then fail "$what" "$HF/check.log"; else pass "$what"; fi
}

says() { # says WHAT FILE TEXT...: every TEXT is in the file, in any letter case
	local what="$1" file="$2" text
	shift 2
	for text in "$@"; do
		if ! grep -qiF -e "$text" "$file"; then
			fail "$what: '$text' is not in:" "$file"
			return
		fi
	done
	pass "$what"
}

wait_until() { # wait_until COMMAND...: true as soon as it is, false after PATIENCE
	limit=$(($(date +%s) + PATIENCE))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$limit" ] || return 1
		sleep 0.1
	done
}

ends_with() { # ends_with CODE COMMAND...
	local code=0 wanted="$1"
	shift
	"$@" || code=$?
	echo "exit code $code, not $wanted"
	[ "$code" -eq "$wanted" ]
}

eventually() { # eventually WHAT COMMAND...
	local what="$1"
	shift
	if wait_until "$@"; then pass "$what"; else
		"$@" >"$HF/check.log" 2>&1
		fail "$what (not within $PATIENCE s)" "$HF/check.log"
	fi
}

# Called by each suite at its end; and by the trap, if it ends early.
finish() {
	trap - EXIT
	stop_all
	echo
	echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
	# A suite that checked nothing has not passed.
	[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
	exit $?
}

ended_early() {
	fail "the suite ended before its last check" "$HF/mapd.log"
	finish
}

stop_all() {
	local one mounted
	for one in $(all_containers); do remove_container "$one"; done
	stop_mapd
	for mounted in $(awk -v root="$HF/" 'index($2, root) == 1 {print $2}' /proc/mounts | sort -r); do
		umount "$mounted"
	done
	find /sys/fs/cgroup -maxdepth 3 -type d -name "$(basename "$HF")" -exec rmdir {} + 2>/dev/null
	if [ -n "${KEEP:-}" ]; then say "kept: $HF"; else rm -rf "$HF"; fi
}

trap ended_early EXIT
trap 'exit 130' INT TERM

here=${here:-$(dirname "$0")}
# shellcheck source=Tests/e2e/mapd.sh
. "$here/mapd.sh"
# shellcheck source=Tests/e2e/bundle.sh
. "$here/bundle.sh"
# shellcheck source=Tests/e2e/container.sh
. "$here/container.sh"

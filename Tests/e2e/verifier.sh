#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verifier: every program of the gate loads on this kernel, and how much of the
# verifier's limit (a million instructions followed) each takes. Without mapd, and
# nothing is attached. The program that loads them is Tests/vm/verifier.c.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

# A program that comes near would not load on the next kernel.
MOST=${MOST:-800000}

verify() { # verify OBJECT: each of its programs
	"$HOLDFAST_BIN/verifier" "$HOLDFAST_BIN/$1" >"$HF/programs" 2>"$HF/verifier.log"
	while read -r word name rest; do
		case $word in
		program)
			program="${name%:} of $1"
			case $rest in
			# Some hosts take no tracing or LSM program from anybody.
			*"not permitted"*) skip "$program on Linux $(uname -r): $rest" ;;
			loaded*) pass "$program is loaded by Linux $(uname -r): $rest" ;;
			*) fail "$program is loaded by Linux $(uname -r): $rest" "$HF/verifier.log" ;;
			esac
			;;
		# "processed N insns (limit 1000000) ..."
		processed) check "$program: $name instructions followed, less than $MOST" test "$name" -lt "$MOST" ;;
		esac
	done <"$HF/programs"
}

verify gate.bpf.o
if [ $(($(uname -r | sed 's/^\([0-9]*\)\.\([0-9]*\).*/\1 * 1000 + \2/'))) -ge 6002 ]; then
	verify gate-6.2.bpf.o
else
	skip "gate-6.2.bpf.o on Linux $(uname -r): it is for Linux 6.2 and later"
fi
finish

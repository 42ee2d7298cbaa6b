#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verifier: every program of the gate loads on this kernel, and how much of the
# verifier's limit (a million instructions followed) it takes. Loads without mapd,
# and attaches nothing.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

# A program that comes near would not load on the next kernel.
MOST=${MOST:-800000}

log=$HF/verifier.log
start=$(date +%s)
if bpftool -d prog loadall "$HOLDFAST_BIN/gate.bpf.o" "$BPFFS" >"$log" 2>&1; then
	pass "the gate loads on Linux $(uname -r), in $(($(date +%s) - start)) s"
else
	grep -v '^[0-9]*: (' "$log" | tail -n 15 >"$HF/reason.log"
	fail "the gate loads on Linux $(uname -r) (tried $(($(date +%s) - start)) s)" "$HF/reason.log"
fi

# "prog 'x': -- BEGIN PROG LOAD LOG --" ... "processed N insns (limit ...)"
sed -n -e "s/.*prog '\([a-z_]*\)': -- BEGIN PROG LOAD LOG.*/program \1/p" \
	-e 's/^processed \([0-9]*\) insns.*/processed \1/p' "$log" >"$HF/counts"
program='?'
while read -r word value; do
	case $word in
	program) program=$value ;;
	processed)
		say "$program: $value instructions followed"
		check "$program stays below $MOST" test "$value" -lt "$MOST"
		;;
	esac
done <"$HF/counts"
finish

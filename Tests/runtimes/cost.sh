#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cost.sh: what the hook adds to a run, as a ratio to the same run without a hook and to one with
# /bin/true as the hook. Runs are paired: each round has one of each, so that what else the
# machine does meets all three. Figures only: nothing fails by time.
#
#   ROUNDS=15

cost() {
	local mode round=0 lost
	command -v run_once >/dev/null || return 0
	serving || return
	for mode in none true holdfast; do # not counted: what is only done once
		if ! run_once "$mode" >"$HF/cost.log" 2>&1; then
			echo "cost|not measured, a run failed ($mode): $(tail -n 1 "$HF/cost.log")" >>"$RESULTS"
			return
		fi
	done
	while [ "$round" -lt "${ROUNDS:-15}" ]; do
		for mode in none true holdfast; do milliseconds run_once "$mode"; done |
			tr '\n' ' ' >>"$HF/rounds"
		echo >>"$HF/rounds"
		round=$((round + 1))
	done
	lost=$(grep -c failed "$HF/rounds")
	sed -i /failed/d "$HF/rounds"
	if [ ! -s "$HF/rounds" ]; then
		echo "cost|not measured, a run failed in each of $round rounds" >>"$RESULTS"
		return
	fi
	awk '{print $2 / $1}' "$HF/rounds" | median >"$HF/true"
	awk '{print $3 / $1}' "$HF/rounds" | median >"$HF/holdfast"
	awk '{print $3 / $2}' "$HF/rounds" | median >"$HF/beside"
	awk '{print $1}' "$HF/rounds" | median >"$HF/base"
	printf 'cost|no hook 1.00 (%.0f ms), /bin/true %.2f, oci-hook %.2f; oci-hook to /bin/true %.2f (%s rounds, %s left out: a run failed)\n' \
		"$(cat "$HF/base")" "$(cat "$HF/true")" "$(cat "$HF/holdfast")" "$(cat "$HF/beside")" "$round" "$lost" >>"$RESULTS"
}

milliseconds() { # milliseconds COMMAND...: how long it took, with three decimals
	local start
	start=$(date +%s%N)
	# a run that fails is no run: its round is left out
	"$@" >/dev/null 2>&1 || start=failed
	echo "$start $(date +%s%N)" | awk '$1 == "failed" {print $1; next} {printf "%.3f\n", ($2 - $1) / 1000000}'
}

median() { sort -n | awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pins: what may befall the pins. A storm goes on through all of it.
# shellcheck source=Tests/Faults/lib.sh
. "$(dirname "$0")/lib.sh"

pin_directory() { find "$BPFFS" -mindepth 1 -maxdepth 1 -type d -name 'v*' | head -n 1; }
all_pinned() { [ "$(find "$BPFFS" -type f | wc -l)" -ge "$1" ]; }

# An administrator removes pins while mapd runs, some or all.
pins_removed() {
	local rounds round number
	rounds=$(rounds_of 100)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm removed
	number=$(find "$BPFFS" -type f | wc -l)
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		case $((round % 3)) in
		0) rm -rf "$BPFFS" ;;
		1) find "$BPFFS" -type f -name 'link_*' -exec rm {} + ;;
		2) rm -f "$(pin_directory)/bindings" "$(pin_directory)/config" ;;
		esac
		wait_until all_pinned "$number" || fail "round $round: the pins come back" "$HF/mapd.log"
	done
	check "they hold: mapd is killed" kill_mapd
	check "and the storm goes on" goes_on removed
	check "mapd starts again" start_mapd
	stop_storm removed
	outcome pins-removed "$rounds"
}

# Maps' pins that went while mapd was away: the attached program still has the maps.
pins_lost_while_away() {
	local rounds round one
	rounds=$(rounds_of 20)
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm lost
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		kill_mapd
		for one in config bindings rules; do rm "$(pin_directory)/$one"; done
		# a map of another shape under our name
		[ ! -x "$(command -v bpftool)" ] || bpftool map create "$(pin_directory)/rules" type hash \
			key 4 value 4 entries 8 name rules 2>/dev/null
		start_mapd || fail "round $round: mapd starts" "$HF/mapd.log"
	done
	check "mapd says that it found them wrong" log_says "made anew from the attached program"
	check "the binding is still there" bound lost
	stop_storm lost
	outcome pins-lost-while-away "$rounds"
}

# A first start that was cut off: maps, and no program.
pins_half_written() {
	check "mapd starts" start_mapd
	check "mapd is killed" kill_mapd
	find "$BPFFS" -type f -name 'link_*' -exec rm {} +
	rm "$(pin_directory)/rules" "$(pin_directory)/counters"
	check "mapd starts on half of its pins" start_mapd
	check "it says what it did" log_says "incomplete pins without a program were removed"
	check "a storm begins" begin_storm half
	goes_on half
	stop_storm half
	outcome pins-half-written 1
}

# The filesystem itself goes, and comes back. In a mount namespace of its own (below).
bpffs_unmounted() {
	local rounds round
	rounds=$(rounds_of 20)
	BPFFS=$HF/bpf/holdfast
	mkdir -p "$HF/bpf"
	mount -t bpf bpf "$HF/bpf"
	check "mapd starts" start_mapd
	check "a storm begins" begin_storm unmounted
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		umount -l "$HF/bpf"
		wait_until status_says "enforcement ends when mapd ends" ||
			fail "round $round: status says that the pins are gone" "$HF/mapd.log"
		goes_on unmounted
		mount -t bpf bpf "$HF/bpf"
		wait_until all_pinned 10 || fail "round $round: the pins come back" "$HF/mapd.log"
	done
	check "they hold: mapd is killed" kill_mapd
	check "and the storm goes on" goes_on unmounted
	check "mapd starts again" start_mapd
	check "and adopts them" status_says '"adopted":true'
	stop_storm unmounted
	outcome bpffs-unmounted "$rounds"
	remove_storm unmounted
	stop_mapd
	umount "$HF/bpf"
}

fault pins_removed
fault pins_lost_while_away
fault pins_half_written
fault bpffs_unmounted
finish

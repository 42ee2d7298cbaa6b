#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bypass: the corpus of Tests/Bypass against the gate. A container for each kind of
# corpus.txt, then again with each relaxation. A row: what the technique reports and
# its witness proves, and the reasons in mapd's events, against corpus.txt.
#
#   PROVE=1       no mapd: every payload must run, or the technique proves nothing
#   KINDS=...     only these kinds       RELAX="none writableLayer" only these
#   TRIES=N       of the races           MANY=N paths of the flood (0: skipped)
# A guest is given them all as SUITE_ARGUMENTS=PROVE=1:TRIES=50
here=$(cd "$(dirname "$0")" && pwd)
for pair in $(echo "${SUITE_ARGUMENTS:-}" | tr ':' ' '); do export "${pair?}"; done
[ -z "${PROVE:-}" ] || HOLDFAST_BIN=${HOLDFAST_BIN:-/nowhere}
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=Tests/Bypass/container.sh
. "$here/../Bypass/container.sh"
PROGRAMS=${PROGRAMS:-$here/../Bypass/build}
CORPUS=$here/../Bypass/corpus.txt
KINDS=${KINDS:-default plain admin cgroup hostpid sharedpid storm}
RELAX=${RELAX:-none nestedNamespaces writableLayer anonymousFiles laterMounts}
# Races and floods take their time in an emulated machine.
if [ -n "${HOLDFAST_GUEST:-}" ]; then TRIES=${TRIES:-200}; else MANY=${MANY:-17000}; fi
SWITCHES=0

# corpus KIND: technique, expected at this attach point, relaxation.
corpus() {
	awk -v kind="$1" -v attach="$ATTACH" '
		$1 == kind { print $2, attach == "kill" && $4 != "=" ? $4 : $3, $5 }' "$CORPUS"
}

policy_of() { # NAME RELAXATION
	local extra=''
	[ "$2" = none ] || extra="allow: [$2]"
	# shellcheck disable=SC2046 # a path a line, none has a blank
	if [ -n "$extra" ]; then
		policy "$1" protect "$(allow_only app $(cat "$HF/listed") -- "$extra")"
	else
		policy "$1" protect "$(allow_only app $(cat "$HF/listed"))"
	fi
}

# Rewrites the policy over and over, each time one unrelated path more or less.
switch_policies() { # NAME
	local spare
	while [ -d "$HF/bundles/$1/out" ] && [ ! -e "$HF/bundles/$1/out/stop" ]; do
		SWITCHES=$((SWITCHES + 1))
		spare=$((SWITCHES % 2))
		sed "s,/bypass/driver,/bypass/driver\, /spare/$spare," "$POLICIES/$1.yaml" >"$HF/switched"
		mv "$HF/switched" "$POLICIES/$1.yaml"
		sed -i "s,\, /spare/$spare,," "$POLICIES/$1.yaml"
		sleep 0.05
	done
}

stop_storm() { # FOLDER: some seconds after the technique began
	until [ -e "$1/policy-switch.witness" ] || [ -e "$1/stop" ] || [ ! -d "$1" ]; do sleep 0.2; done
	sleep "${STORM:-10}"
	touch "$1/stop" 2>/dev/null
}

# reasons NAME: "technique reason" for each refusal in the container. The path that
# the gate reports has the technique's name in it; the longest name that fits counts.
# Files whose path has no key are reported once for all of a reason, so that report
# stands for each technique that has none of its own: technique "*".
reasons() {
	[ -z "${PROVE:-}" ] || return 0
	# the log as well: the journal that mapctl reads keeps only the latest events
	{
		events
		grep -F '"containerId"' "$HF/mapd.log" | plain_json
	} | awk -v container="$1" -v corpus="$CORPUS" '
		BEGIN { while ((getline line < corpus) > 0) { split(line, f); if (f[1] !~ /^#/) known[f[2]] = 1 } }
		function value(key) {
			if (!match($0, "\"" key "\":\"([^\"\\\\]|\\\\.)*\"")) return ""
			return substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
		}
		value("containerId") == container && value("verdict") == "refuse" {
			path = value("executable")
			best = path ~ /runc_cloned:/ ? "memfd-runc-name" : path ~ /\/#[0-9]+$/ ? "o-tmpfile" : ""
			if (best == "")
				for (name in known)
					if (index(path, name) && length(name) > length(best)) best = name
			print (best == "" ? "?" path : best), value("reason")
			if (value("reason") ~ /^(anonymousFile|pathTooDeep|pathUnreachable)$/) print "*", value("reason")
		}' | sort -u
}

# Events come through the ring buffer, thousands at once of many-paths: wait for each technique's.
settle() { # NAME
	[ -z "${PROVE:-}" ] || return 0
	sleep "${SETTLE:-1}"
	wait_until reasons_are_in "$1"
}

reasons_are_in() { # NAME
	local technique
	reasons "$1" >"$HF/reasons"
	! grep -q '^\* ' "$HF/reasons" || return 0
	awk -F'\t' '$2 == "refused" { print $1 }' "$HF/results" >"$HF/refused"
	while read -r technique; do
		grep -q "^$technique " "$HF/reasons" || return 1
	done <"$HF/refused"
}

cell() { # KIND RELAXATION TECHNIQUE EXPECTED SWITCH: one row of the table
	local result detail seen wanted="$4" ok=no
	result=$(awk -F'\t' -v t="$3" '$1 == t { r = $2 } END { print r }' "$HF/results")
	detail=$(awk -F'\t' -v t="$3" '$1 == t { r = $3 } END { print r }' "$HF/results")
	seen=$(awk -v t="$3" '$1 == t { printf "%s%s", s, $2; s = "|" }' "$HF/reasons")
	[ -n "$seen" ] || [ "$result" != refused ] ||
		seen=$(awk -v w="$4" '$1 == "*" && index("|" w "|", "|" $2 "|") { print $2; exit }' "$HF/reasons")
	[ "${5%%:*}" != "$2" ] || wanted=${5#"$2"} wanted=${wanted#:}
	[ -n "$wanted" ] || wanted=ran
	[ -z "${PROVE:-}" ] || case $3 in control-*) wanted=allowed ;; *) wanted=ran ;; esac
	case $result/$wanted in
	skip/*) ok=skip ;;
	ran/ran) ok=yes ;;
	allowed/allowed) [ -n "$seen" ] || ok=yes ;;
	refused/*) ! only "$seen" "$wanted" || ok=yes ;;
	esac
	ROW=$(printf '%-10s %-17s %-23s %-8s %-22s %-22s %s' "$1" "$2" "$3" "${result:-none}" \
		"${seen:--}" "$wanted" "$detail")
	case $ok in
	yes) pass "$ROW" ;;
	skip) skip "$ROW" ;;
	*) fail "$ROW" ;;
	esac
}

# only SEEN WANTED: both are a|b|c; something was seen, and nothing but the wanted.
only() {
	local one
	[ -n "$1" ] || return 1
	for one in $(echo "$1" | tr '|' ' '); do
		case "|$2|" in *"|$one|"*) ;; *) return 1 ;; esac
	done
}

clean_up() { # KIND NAME
	[ "$1" != plain ] || "$PROGRAMS/driver" clean "$HF/bundles/$2"
	remove_container "$2"
	rm -f "$POLICIES/$2.yaml"
	[ -z "$VICTIM_PID" ] || remove_container victim
}

# The other container that some techniques need: without a policy, or under the same one.
victim_for() { # KIND POLICY
	case $1 in
	hostpid | sharedpid) HOOKS=none POLICY='' bypass_victim victim ;;
	cgroup) HOOKS=${PROVE:+none} POLICY=$2 bypass_victim victim ;;
	esac
}

run_kind() { # KIND RELAXATION
	local name technique expected switch
	name=bypass-$1-$(echo "$2" | tr '[:upper:]' '[:lower:]') # as names of policies must be
	VICTIM_PID=''
	if [ -z "${PROVE:-}" ]; then
		policy_of "$name" "$2"
		wait_until policy_in_force "$name" protect || fail "policy $name is in force" "$HF/mapd.log"
	fi
	victim_for "$1" "$name" || { fail "$1: a container to share with starts" "$HF/victim.log"; return; }
	corpus "$1" | awk '{ print $1 }' >"$HF/list"
	if [ "$1" = storm ]; then
		mkdir -p "$HF/bundles/$name/out"
		[ -n "${PROVE:-}" ] || { switch_policies "$name" >/dev/null 2>&1 & }
		stop_storm "$HF/bundles/$name/out" >/dev/null 2>&1 &
	fi
	HOOKS=${PROVE:+none} POLICY=$name bypass_run "$name" "$1" <"$HF/list" >"$HF/results" 2>"$HF/run.log"
	if [ ! -s "$HF/results" ]; then
		[ -n "${PROVE:-}" ] || events | grep -F "\"$name\"" | tail -n 3 >>"$HF/run.log"
		fail "$1 $2: the container runs" "$HF/run.log"
		touch "$HF/bundles/$name/out/stop"
		clean_up "$1" "$name"
		return
	fi
	settle "$name"
	while read -r technique expected switch; do
		cell "$1" "$2" "$technique" "$expected" "$switch"
	done <<ROWS
$(corpus "$1")
ROWS
	clean_up "$1" "$name"
}

say "Linux $(uname -r), attach point $ATTACH, cgroup $CGROUP, gate ${PROVE:+absent, }$GATE, $(runtime --version | head -n 1)"
if ! bypass_image; then
	fail "the image is made: build Tests/Bypass first (make -C Tests/Bypass)"
	finish
fi
: >"$HF/reasons"
if [ -n "${PROVE:-}" ]; then
	RELAX=none
elif ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	"$PROGRAMS/driver" clean "$BYPASS_IMAGE"
	finish
fi
for kind in $KINDS; do
	for relaxation in $RELAX; do
		# A relaxation matters only where some technique of the kind has a switch.
		[ "$relaxation" = none ] || corpus "$kind" | grep -q ' [a-z]*[A-Z]' || continue
		run_kind "$kind" "$relaxation"
	done
done
"$PROGRAMS/driver" clean "$BYPASS_IMAGE"
finish

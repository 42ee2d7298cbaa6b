#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# metrics: what a scrape tells is what happened, exactly; promtool takes it; nobody else can ask.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

SOCKET=$RUN_DIR/metrics.sock
# Forbidden execs of each mode.
EXECS=${EXECS:-500}

ask() { curl -s -m "$PATIENCE" --unix-socket "$SOCKET" "$@"; }
scrape() { ask -f http://localhost/metrics >"$HF/metrics.new" && mv "$HF/metrics.new" "$HF/metrics"; }
in_scrape() { awk -v name="$1" '$1 == name {print $2}' "$HF/metrics"; } # in_scrape NAME{LABELS}
value() { scrape && in_scrape "$1"; }
is() { # is NAME{LABELS} VALUE
	echo "$1: $(value "$1"), expected $2"
	[ "$(in_scrape "$1")" = "$2" ]
}
sum() { # sum FAMILY: of all its samples
	scrape && awk -v family="$1{" 'index($1, family) == 1 {sum += $2} END {print sum + 0}' "$HF/metrics"
}
code() { ask -o "$HF/body" -w '%{http_code}' "$@"; }

promtool() { "$(dirname "$here")/../tools/fetch-package" bookworm prometheus >"$HF/promtool" 2>&1 && "$(tail -n 1 "$HF/promtool")/usr/bin/promtool" "$@"; }
lint() { promtool check metrics <"$HF/metrics" >"$HF/lint" 2>&1 && ! grep . "$HF/lint"; }

served() {
	check "a scrape is answered" scrape
	check "as text of format 0.0.4" [ "$(code -o /dev/null -w '%{http_code} %{content_type}' http://localhost/metrics)" = "200 text/plain; version=0.0.4; charset=utf-8" ]
	if promtool --version >/dev/null 2>&1; then
		check "promtool has nothing to say of it" lint
		sed -i 's/^# HELP holdfast_policies .*//' "$HF/metrics"
		refute "(it would of a metric without help)" lint
	else
		skip "no promtool: $(tail -n 1 "$HF/promtool")"
	fi
	check "it says where the gate is attached" is "holdfast_gate_attached" 1
	says "and which attach point" "$HF/metrics" "attach_point=\"$ATTACH\""
	check "another path is not there" [ "$(code http://localhost/)" = 404 ]
	check "nothing can be written" [ "$(code -X POST http://localhost/metrics)" = 405 ]
	head -c 70000 /dev/zero | tr '\0' a | sed 's/^/X: /' >"$HF/header"
	refute "endless headers are no request" [ "$(code -H "@$HF/header" http://localhost/metrics)" = 200 ]
	check "the socket is root's alone" [ "$(stat -c %a:%U "$SOCKET")" = 600:root ]
}

storm_rootfs() {
	mkdir -p "$1/bin" "$1/opt" "$1/tmp" "$1/proc" "$1/dev" "$1/sys"
	cp "$HOLDFAST_BIN/storm" "$1/bin/storm"
	cp "$HOLDFAST_BIN/storm" "$1/opt/forbidden"
}
burst_is_over() { "$HOLDFAST_BIN/storm" --read "$(rootfs_of "$1")/tmp/tally" | grep -qx "ended 2"; }

# burst MODE: EXECS of a program that is not listed, in a container of that mode.
burst() {
	policy "$1" "$1" "$(allow_only app /bin/storm)"
	wait_until policy_in_force "$1" "$1"
	ROOTFS=storm POLICY=$1 bundle "$1" /bin/storm /tmp/tally --burst "$EXECS" 2 /opt/forbidden
	start_container "$1" && wait_until burst_is_over "$1"
}

exact() {
	local mode outcome allowed
	allowed=$(value 'holdfast_execs_total{outcome="allowed"}')
	for mode in monitor protect; do
		[ "$mode" = monitor ] && outcome=reported || outcome=refused
		check "$EXECS execs that are $outcome" burst "$mode"
		check "are that many of the kernel's counter" is "holdfast_execs_total{outcome=\"$outcome\"}" "$EXECS"
		eventually "and of mode $mode and reason notListed" is "holdfast_verdicts_total{mode=\"$mode\",reason=\"notListed\"}" "$EXECS"
	done
	check "by reason they are the sum" is 'holdfast_reasons_total{reason="notListed"}' $((2 * EXECS))
	check "and there is no other verdict" [ "$(sum holdfast_verdicts_total)" = $((2 * EXECS)) ]
	# each container's own first program, of which storm is the only exec that is listed
	check "what is listed is counted as allowed" is 'holdfast_execs_total{outcome="allowed"}' $((allowed + 2))
	check "nothing was lost" [ "$(sum holdfast_losses_total)" = 0 ]
}

hooks() {
	check "both containers were bound by their hooks" is 'holdfast_hook_requests_total{operation="createRuntime",outcome="bound"}' 2
	check "and confirmed" is 'holdfast_hook_requests_total{operation="poststart",outcome="confirmed"}' 2
	check "the histogram has as many" is 'holdfast_hook_duration_seconds_count{operation="createRuntime"}' 2
	check "in its widest bucket" is 'holdfast_hook_duration_seconds_bucket{operation="createRuntime",le="+Inf"}' 2
	check "two containers are bound" is 'holdfast_map_entries{map="bindings"}' 2
	check "one of each mode" is 'holdfast_containers{mode="protect"}' 1
	check "the map takes what status says" is 'holdfast_map_entries_max{map="bindings"}' 16384
	check "its memory is known" [ "$(value 'holdfast_map_memory_bytes{map="bindings"}')" -gt 0 ]
	check "two policies are in force" is holdfast_policies 2
	remove_container monitor
	remove_container protect
	eventually "when they end that is counted" is 'holdfast_hook_requests_total{operation="poststop",outcome="removed"}' 2
	eventually "and nothing is bound" is 'holdfast_map_entries{map="bindings"}' 0
	eventually "what they did is still counted" is 'holdfast_verdicts_total{mode="protect",reason="notListed"}' "$EXECS"
}

# Many names of workloads and policies make no further series.
bounded() {
	local before i
	scrape
	before=$(grep -c '^[^#]' "$HF/metrics")
	for i in 1 2 3 4 5; do policy "name-$i" monitor "$(allow_only app /bin/sh)"; done
	wait_until policy_in_force name-5 monitor
	POLICY=name-1 bundle names /bin/sh -c "$OBEY"
	check "a container runs programs of many names" start_container names
	tell names 'mkdir /tmp/m; for i in $(seq 50); do ln /bin/true /tmp/m/$i; /tmp/m/$i; done; touch /tmp/done'
	wait_until test -e "$(rootfs_of names)/tmp/done"
	eventually "they are counted" is 'holdfast_containers{mode="monitor"}' 1
	check "the series are as many as before: $before" [ "$(grep -c '^[^#]' "$HF/metrics")" = "$before" ]
	refute "none has a workload's name" grep -E 'names|name-1|/tmp/m' "$HF/metrics"
	remove_container names
}

restarted() {
	local refused
	refused=$(value 'holdfast_execs_total{outcome="refused"}')
	refute "a mapd that made the gate has adopted none" grep -q '^holdfast_gate_adopted' "$HF/metrics"
	kill_mapd
	printf 'metrics: {address: "127.0.0.1:%s"}\n' "$PORT" >"$HF/mapd.yaml"
	check "the next mapd takes the gate over" start_mapd --config "$HF/mapd.yaml"
	check "and goes on with the kernel's counters" is 'holdfast_execs_total{outcome="refused"}' "$refused"
	check "it says when it took over" [ "$(value holdfast_gate_adopted_timestamp_seconds)" -gt "$(($(date +%s) - 600))" ]
	check "a loopback address serves as well, if it is set" curl -sf "http://127.0.0.1:$PORT/metrics"
	"$HOLDFAST_BIN/mapd" --config "$HF/mapd.yaml" --run-dir "$HF/second" --bpffs "${BPFFS}_second" --state-dir "$HF/second.state" \
		--policies "$POLICIES" --gate-object "$HOLDFAST_BIN/gate.bpf.o" --attach none >"$HF/second.log" 2>&1
	says "an address that is taken is said" "$HF/second.log" "listen at 127.0.0.1:$PORT for metrics" "metrics.address"
	rm -rf "${BPFFS}_second"
	printf 'metrics: {address: "0.0.0.0:%s"}\n' "$PORT" >"$HF/mapd.yaml"
	refute "an address of the network is refused" "$HOLDFAST_BIN/mapd" --config "$HF/mapd.yaml" --check-config
}
PORT=$((20000 + $$ % 20000))

# How long an exec is judged, while the kernel counts it.
timed() {
	local switch=/proc/sys/kernel/bpf_stats_enabled
	if [ ! -w "$switch" ] || [ "$(cat "$switch")" != 0 ]; then
		skip "kernel.bpf_stats_enabled cannot be set here, or is in use"
		return
	fi
	check "runs are not counted by default" is holdfast_gate_runs_counted 0
	echo 1 >"$switch"
	/bin/true
	check "told to, the kernel counts runs of the gate" [ "$(sum holdfast_gate_runs_total)" -gt 0 ]
	echo 0 >"$switch"
	check "and their time" grep -qE '^holdfast_gate_run_seconds_total.* [0-9.e-]*[1-9]' "$HF/metrics"
}

alarms() { # as docs/metrics.md has them
	sed -n '/^```yaml/,/^```/p' "$here/../../docs/metrics.md" | grep -v '^```' >"$HF/alarms.yaml"
	if promtool --version >/dev/null 2>&1; then
		check "the alarms of the documentation are rules that Prometheus takes" promtool check rules "$HF/alarms.yaml"
	else
		skip "no promtool: $(tail -n 1 "$HF/promtool")"
	fi
	check "of metrics that are there" all_exported "$HF/alarms.yaml"
}

# Every metric that a file names is exported.
all_exported() {
	local name missing=''
	scrape
	for name in $(grep -oE '\b(holdfast|process)_[a-z_]+' "$1" | sed -E 's/_(bucket|sum|count)$//' | sort -u); do
		grep -q "^# TYPE $name " "$HF/metrics" || missing="$missing $name"
	done
	echo "missing:$missing"
	[ -z "$missing" ]
}

dashboard() {
	local file="$here/../../packaging/grafana/holdfast.json"
	check "the dashboard is JSON" python3 -m json.tool "$file"
	check "every metric of the dashboard is exported" all_exported "$file"
}

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
for journey in served exact hooks bounded restarted timed dashboard alarms; do
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$journey" ] || continue
	"$journey"
done
finish

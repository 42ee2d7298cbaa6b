#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cells.sh: what is tried with each runtime. A driver gives the verbs:
#
#   prepare             what the runtime needs; hooks installed; false: skip, $PROBLEM says why
#   launch NAME WORD... a detached container; false if the runtime says so. HOOKED=no: no hook
#   enter NAME WORD...  a program in it, by the runtime; its exit code
#   halt NAME           stopped and removed, whatever state it is in
#   id_of NAME          as mapd knows it
#   conclude            ends what prepare started
#   also                more steps, of this runtime alone; a driver may have no such verb
#   run_once MODE       a container of /bin/true from start to removal; the hook is none, true
#                       (/bin/true in its place) or holdfast; a driver may have no such verb
#
# /witness in each container is $HF/witness: a program that ran leaves a file there.

# A step of a cell. The first that fails is what the cell shows; those after it are not taken.
want() { # want WHAT COMMAND...
	local what="$1"
	shift
	[ -z "$BROKEN" ] || return 1
	if "$@" >"$HF/step.log" 2>&1; then
		echo "     ok: $what"
	else
		BROKEN="NOT $what"
		echo "     $BROKEN: $*"
		tail -n 30 "$HF/step.log" | sed 's/^/       /'
		return 1
	fi
}

# mapd may not have started in the cell before.
serving() { [ -n "$MAPD_PID" ] || start_mapd; }

want_not() { # want_not WHAT COMMAND...: the command must fail
	local what="$1"
	shift
	want "$what" fails "$@"
}
fails() { ! "$@"; }
want_soon() { # want_soon WHAT COMMAND...: within PATIENCE
	local what="$1"
	shift
	want "$what" wait_until "$@"
}

cell() { # cell NAME VALUE: runs cell_NAME; VALUE is what it shows when all its steps held
	say "$1"
	BROKEN=
	"cell_$(echo "$1" | tr - _)"
	echo "$1|${BROKEN:-$2}" >>"$RESULTS"
}

is_running() { # its first process is there
	local id pid
	id=$(id_of "$1")
	[ -n "$id" ] || return 1
	pid=$(pid_in_cgroup "$id")
	[ -n "$pid" ]
}

# A process whose cgroup is named after the container, but not the engine's own.
pid_in_cgroup() {
	grep -l -F -e "$1" /proc/[0-9]*/cgroup 2>/dev/null | head -n 1
}

is_bound() { bound "$(id_of "$1")"; }
is_unbound() { unbound "$(id_of "$1")"; }

# What mapd knows of it, on one line.
known_as() { # known_as NAME KEY=VALUE...
	local name="$1"
	shift
	mapctl containers --json | plain_json | tr -d '\n' | sed 's/"attach"/\
&/g' | grep -F "\"$(id_of "$name")\"" | has_line "$@"
}

hook_configuration() { # hook_configuration [JSON LINE...]
	mkdir -p /etc/holdfast
	{
		printf '{"log": "%s"' "$HF/log.sock"
		for line in "$@"; do printf ', %s' "$line"; done
		printf '}\n'
	} >"$HF/hook.json"
	cp "$HF/hook.json" /etc/holdfast/hook.json
}

# An emulated or busy machine may need more than the standard time limit.
ORDINARY='"timeoutMilliseconds": 20000'

cell_bind() {
	want "a container starts" launch a /bin/sleep 100000
	want "it is bound when the runtime says that it runs" is_bound a
	want "by its name in its pod and its namespace" known_as a name=app namespace=e2e
	launch first /bin/touch /witness/first >"$HF/first.log" 2>&1
	want_soon "an unlisted first program is reported" event "containerId=$(id_of first)" verdict=refuse reason=notListed
	want_not "it never ran" test -e "$HF/witness/first"
	halt first >/dev/null 2>&1
}

cell_refuse() {
	want_not "an unlisted program of the workload fails" enter a /bin/sh -c '/bin/touch /witness/refuse; code=$?; :; exit $code'
	want_not "it never ran" test -e "$HF/witness/refuse"
	want_soon "and is reported" event "containerId=$(id_of a)" verdict=refuse reason=notListed
}

cell_exec() {
	local i=0
	while [ "$i" -lt "${N:-10}" ]; do
		want "exec $i of a listed program" enter a /bin/true || return
		i=$((i + 1))
	done
}

cell_stop() {
	local i=0
	want "the runtime stops and removes it" halt a
	want_soon "mapd has no binding any more" is_unbound a
	# Some have ended when their poststart is run: no hook of theirs may fail.
	while [ "$i" -lt "${BRIEF:-10}" ]; do
		want "container $i that ends at once starts all the same" start_brief
		halt brief >/dev/null 2>&1
		rm -f "$HF/brief.id"
		i=$((i + 1))
	done
}

# A driver may have a verb of its own for it.
start_brief() {
	if command -v launch_brief >/dev/null; then launch_brief brief /bin/true; else launch brief /bin/true; fi
}

cell_adopt() {
	stop_mapd
	HOOKED=no
	want "a container starts with no mapd and no hook" launch early /bin/sleep 100000
	HOOKED=yes
	want "an unlisted program still runs" enter early /bin/touch /witness/early
	want "mapd starts" start_mapd
	want "and has found and bound it" is_bound early
	want "by its name in its pod and its namespace" known_as early name=app namespace=e2e
	want "a listed program runs" enter early /bin/true
	want_not "an unlisted one is refused" enter early /bin/sh -c '/bin/touch /witness/late; code=$?; :; exit $code'
	want_not "it never ran" test -e "$HF/witness/late"
	want "mapd is killed and starts again" restart_mapd
	want "the container is bound" is_bound early
	want "the runtime stops and removes it" halt early
	want_soon "mapd has no binding any more" is_unbound early
}

restart_mapd() {
	kill_mapd
	start_mapd
}

cell_hook_fails() {
	hook_configuration '"fail": "no such word"'
	want_not "with a hook that fails no container starts" launch failed /bin/touch /witness/failed
	want_not "its program never ran" test -e "$HF/witness/failed"
	want_not "nothing of it is left running" is_running failed
	hook_configuration "$ORDINARY"
	halt failed >/dev/null 2>&1
}

cell_mapd_absent() {
	stop_mapd
	hook_configuration '"fail": "open"'
	want "open: it starts" launch open /bin/sleep 100000
	want "and a line in the system's log says so" grep -F "$(id_of open) starts WITHOUT PROTECTION" "$HF/system.log"
	hook_configuration '"fail": "open"' '"closedNamespaces": ["e2e"]'
	want_not "closed for its namespace: it does not start" launch closed /bin/touch /witness/closed
	want_not "its program never ran" test -e "$HF/witness/closed"
	halt closed >/dev/null 2>&1
	hook_configuration '"fail": "closed"' '"exemptNamespaces": ["e2e"]'
	want "closed, but exempt: it starts" launch exempt /bin/sleep 100000
	hook_configuration "$ORDINARY"
	want "mapd starts" start_mapd
	want "is told which container started open" grep -F "$(id_of open)" "$HF/mapd.log"
	want "counts both" status_counts_open "${STARTS:-2}"
	want "and has bound it" is_bound open
	want "... and the exempt one" is_bound exempt
	halt open >/dev/null 2>&1
	halt exempt >/dev/null 2>&1
}

status_counts_open() { mapctl status --json | plain_json | grep -E "\"openFailures\":$1,?\$"; }

cell_hang() {
	want "mapd is there" serving || return
	kill -STOP "$MAPD_PID"
	hook_configuration '"fail": "open"' '"timeoutMilliseconds": 300'
	want "open: it starts" launch slow /bin/sleep 100000
	hook_configuration '"fail": "closed"' '"timeoutMilliseconds": 300'
	want_not "closed: it does not start" launch shut /bin/touch /witness/shut
	want_not "its program never ran" test -e "$HF/witness/shut"
	kill -CONT "$MAPD_PID"
	halt shut >/dev/null 2>&1
	hook_configuration "$ORDINARY"
	want_soon "once mapd goes on, the container is bound" is_bound slow
	want "a listed program runs" enter slow /bin/true
	want_not "an unlisted one is refused" enter slow /bin/touch /witness/slow
	want_not "it never ran" test -e "$HF/witness/slow"
	halt slow >/dev/null 2>&1
}

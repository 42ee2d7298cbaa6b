#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# journey: nginx from Debian's packages, from an unknown workload to one in protect, as an
# operator goes there. What is typed and shown becomes docs/journey.md: with JOURNEY it is
# written to that file, else compared with the one that is there.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

PACKAGES="libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g nginx nginx-common dash coreutils
	libselinux1 libacl1 libattr1 libgmp10"
SHOWN=$HF/journey.md
export NAMESPACE=shop CONTAINER=nginx ROOTFS=nginx POLICY=web TZ=UTC
export CAPABILITIES="CAP_KILL CAP_DAC_OVERRIDE CAP_CHOWN CAP_SETUID CAP_SETGID"

make_image() {
	# shellcheck disable=SC2086 # a list
	"$root/tools/debian-image" "$HF/nginx" $PACKAGES || return 1
	printf 'root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/false\n' >"$HF/nginx/etc/passwd"
	printf 'root:x:0:\nwww-data:x:33:\n' >"$HF/nginx/etc/group"
	cat >"$HF/nginx/etc/nginx/nginx.conf" <<'CONF'
user www-data;
worker_processes 2;
daemon off;
error_log /var/log/nginx/error.log;
events {}
http {
  access_log /var/log/nginx/access.log;
  server { listen 127.0.0.1:8080; root /usr/share/nginx/html; index index.html; }
}
CONF
	cat >"$HF/nginx/entrypoint.sh" <<'SH'
#!/bin/sh
# What images do before their program: here, a folder and a wait for its volume.
mkdir -p /var/log/nginx /var/lib/nginx
sleep 5
exec /usr/sbin/nginx
SH
	chmod 755 "$HF/nginx/entrypoint.sh"
}

nginx_rootfs() {
	mkdir -p "$1" "$1.upper" "$1.work"
	mount -t overlay overlay -o "lowerdir=$HF/nginx,upperdir=$1.upper,workdir=$1.work" "$1"
}

replica() { # replica NAME POD
	POD=$2 bundle "$1" /entrypoint.sh
	check "replica $1 starts" start_container "$1"
	eventually "and serves" serves "$1"
}

# Asked from the node, inside the container's network.
serves() { nsenter -t "$(pid_of "$1")" -n busybox wget -qO- http://127.0.0.1:8080/ | grep -q "Welcome to nginx"; }

## What is written

chapter() { printf '## %s\n\n' "$1" >>"$SHOWN"; }
prose() { { fold -s -w 100 | sed 's/ *$//' && echo; } >>"$SHOWN"; }

# shown CODE COMMAND: the operator's, on a terminal of 100 columns; it must end with CODE.
shown() {
	local code=0
	printf "COLUMNS=100 NO_COLOR=1 HOLDFAST_SOCKET='%s' '%s/mapctl' %s\n" "$CONTROL_SOCKET" "$HOLDFAST_BIN" "$2" >"$HF/typed"
	script -qec "sh '$HF/typed'" /dev/null >"$HF/screen" 2>&1 </dev/null || code=$?
	transcript "\$ mapctl $2" "$code"
	if [ "$code" -eq "$1" ]; then pass "mapctl $2"; else fail "mapctl $2: exit code $code instead of $1" "$HF/screen"; fi
}

# worked CODE NAME COMMAND: in a container, as `kubectl exec` would.
worked() {
	local code=0
	runtime exec "$2" /bin/sh -c "$3; code=\$?; :; exit \$code" </dev/null >"$HF/screen" 2>&1 || code=$?
	transcript "$2# $3" "$code"
	if [ "$code" -eq "$1" ]; then pass "$2: $3"; else fail "$2: $3: exit code $code instead of $1" "$HF/screen"; fi
}

transcript() { # transcript COMMAND CODE
	{
		echo '```console'
		echo "$1"
		tr -d '\r' <"$HF/screen" | normal
		[ "$2" -eq 0 ] || echo "(exit status $2)"
		echo '```'
		echo
	} >>"$SHOWN"
}

# Of this machine and this minute: places, times, numbers of processes and generations.
normal() {
	sed -e "s,$POLICIES,/etc/holdfast/policies.d,g" -e "s,$HF/state,/var/lib/holdfast,g" \
		-e 's/20[0-9][0-9]-[0-9-]\{5\} [0-9:]\{8\}/2026-01-01 12:00:00/g' \
		-e 's,20[0-9/]\{8\} [0-9:]\{8\} \[notice\] [0-9#]*,2026/01/01 12:00:00 [notice] 16#16,' \
		-e 's/\[[0-9][0-9]*\]/[4711]/g' -e 's/([0-9]* s)/(3 days)/' \
		-e 's/^\(in the maps .*\)binding [0-9]*, rule set [0-9]*, generation [0-9]*/\1binding 1, rule set 1, generation 1/' \
		-e 's/ *$//'
}

refused_code() { case $ATTACH in kill) echo 137 ;; *) echo 126 ;; esac; }
violation_of() { mapctl violations web | awk -v path="$1" '{for (n = 1; n <= NF; n++) if ($n == path) print $1}' | head -n 1; }
learned() { grep -qF -e "- $1" "$HF/state/proposals/shop.web.yaml"; }
on_record() { [ -n "$(violation_of "$1")" ]; }

## The journey

learning() {
	replica web-1 web-7d4b9c6f5-x2x9z
	chapter "An unknown workload"
	prose <<'MD'
A pod of nginx runs since last month. It has the label `security.rancher.io/policy: web`, and there is no policy of that name: nothing is judged.
MD
	shown 0 containers
	chapter "Learn"
	prose <<'MD'
`/etc/holdfast/mapd.yaml` now says `learn: {namespaces: [shop]}`, and mapd was restarted. What runs already is found in /proc.
MD
	printf 'learn: {namespaces: [shop]}\n' >"$HF/mapd.yaml"
	kill_mapd
	check "mapd starts with its configuration" start_mapd --config "$HF/mapd.yaml"
	eventually "the running nginx is learned" learned /usr/sbin/nginx
	shown 0 proposals
	prose <<'MD'
A new replica starts. Of this one everything is seen, from its first instruction on.
MD
	replica web-2 web-7d4b9c6f5-q8r7w
	eventually "its entrypoint is learned" learned /entrypoint.sh
	eventually "and what that runs" learned /usr/bin/sleep
	shown 0 "proposals show web"
}

monitoring() {
	chapter "Monitor"
	prose <<'MD'
The proposal becomes a policy in mode monitor: nothing is refused yet. Without `--yes` mapctl asks.
MD
	shown 0 "proposals promote web --mode monitor --yes"
	prose <<'MD'
At night the logs are rotated, which nobody has seen while learning. And somebody looks around.
MD
	worked 0 web-1 'mv /var/log/nginx/access.log /var/log/nginx/access.1; /usr/sbin/nginx -s reopen'
	eventually "the rotation is reported" on_record /usr/bin/mv
	worked 0 web-2 'id'
	eventually "so is the visitor" on_record /usr/bin/id
	shown 1 "violations web"
	shown 0 "explain web-1 /usr/bin/mv"
	chapter "Allow one, look at the other"
	shown 0 "violations allow $(violation_of /usr/bin/mv) --yes"
	shown 0 "violations acknowledge $(violation_of /usr/bin/id)"
	shown 0 "policies readiness web"
}

protecting() {
	chapter "Protect"
	shown 0 "policies mode web protect --yes"
	prose <<'MD'
The rotation works. The visitor's program does not start any more; nor does one that is listed and was
overwritten in the running container, here with `kubectl cp`.
MD
	worked 0 web-1 'mv /var/log/nginx/access.log /var/log/nginx/access.1; /usr/sbin/nginx -s reopen'
	worked "$(refused_code)" web-2 id
	cp /bin/busybox "$(rootfs_of web-2)/usr/bin/sleep"
	worked "$(refused_code)" web-2 'sleep 1'
	eventually "the overwritten one is on record" on_record /usr/bin/sleep
	eventually "nginx still serves" serves web-1
	check "the other one, too" serves web-2
	eventually "the refusal is on record" refusal
	shown 1 "violations web"
	shown 0 verify
	shown 0 "policies delete web --dry-run"
}
refusal() { mapctl violations web | grep refused | grep -q /usr/bin/id; }

if ! make_image >"$HF/image.log" 2>&1; then
	skip "no image of nginx can be made here: $(tail -n 1 "$HF/image.log")"
	finish
fi
if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
cat >"$SHOWN" <<MD
# A journey

From a workload that nobody knows to one in protect. Written by \`make journey\`, which runs
nginx 1.22 of Debian 12 in containers; attach point \`$ATTACH\`. Times, numbers of processes and places
are made up, all else is what was shown.

MD
learning
monitoring
protecting
if [ -n "${JOURNEY:-}" ]; then
	cp "$SHOWN" "$JOURNEY"
elif [ "$ATTACH" = kill ]; then
	check "docs/journey.md is what happens" diff "$root/docs/journey.md" "$SHOWN"
fi
finish

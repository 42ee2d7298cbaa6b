#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# policies: from a proposal to a policy in protect, with every step shown before it is
# made; the commands as somebody types them who has never used them.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Tests/e2e/lib.sh
. "$here/lib.sh"

# typed CODE TEXT ARGUMENT...: mapctl ends with CODE and says TEXT, on whichever stream.
typed() {
	local code=0 wanted="$1" text="$2"
	shift 2
	mapctl "$@" >"$HF/typed" 2>&1 || code=$?
	[ "$code" -eq "$wanted" ] && grep -qiF -e "$text" "$HF/typed" && pass "mapctl $*: exit $code, $text" && return
	echo "exit code $code instead of $wanted, or not said: $text" >>"$HF/typed"
	fail "mapctl $*" "$HF/typed"
}

# asked TERMINAL_INPUT ARGUMENT...: as on a terminal. Its output is in $HF/typed.
asked() {
	local input="$1"
	shift
	printf '%s\n' "$input" | script -qec "'$HOLDFAST_BIN/mapctl' --socket '$CONTROL_SOCKET' $*" /dev/null >"$HF/typed" 2>&1
}

manifest() { # manifest MODE [PATH...]
	local mode="$1"
	shift
	cat <<YAML
# kept by the web team
apiVersion: security.rancher.io/v1alpha1
kind: WorkloadPolicy
metadata: {name: web, namespace: e2e}
spec:
  mode: $mode
  rulesByContainer:
    app: {executables: {allowed: [$(echo "$*" | sed 's/ /, /g')]}}
YAML
}

promoted() {
	LEARN=true POLICY=shop bundle shop /bin/sh -c "$OBEY"
	check "a container without its policy starts and is learned" start_container shop
	tell shop '/bin/true'
	eventually "there is a proposal" mapctl proposals show shop
	eventually "of what it ran" grep -qF /bin/true "$HF/state/proposals/e2e.shop.yaml"
	typed 0 e2e/shop proposals
	typed 0 "kind: WorkloadPolicyProposal" proposals show shop --manifest
	typed 1 "+    app:" proposals diff shop
	typed 2 "nobody to ask" proposals promote shop
	typed 0 "+kind: WorkloadPolicy" proposals promote shop --dry-run
	refute "neither has made a policy" test -e "$POLICIES/e2e.shop.yaml"
	typed 0 "in force" proposals promote shop --mode monitor --yes
	check "the container is under it at once" in_mode shop monitor
	tell shop '/bin/ls /'
	eventually "what is not on it is reported" mapctl_says /bin/ls violations shop
	typed 1 "not ready" policies readiness shop
	typed 1 /bin/ls policies readiness shop
	typed 0 "in force" violations allow "$(violation_of /bin/ls)" --yes
	typed 0 "ready for protect" policies readiness shop
	typed 0 "mode: protect" policies mode shop protect --yes
	check "the container is protected" in_mode shop protect
	tell shop '/bin/ls / >/tmp/listed'
	check "what was allowed runs" wait_until test -s "$(rootfs_of shop)/tmp/listed"
	check "what is foreign is refused" refused shop /bin/touch /tmp/witness
	refute "and never ran" test -e "$(rootfs_of shop)/tmp/witness"
}

in_mode() { mapctl containers --json | plain_json | tr -d '\n ' | grep -o "\"id\":\"$1\",\"mode\":\"[a-z]*\"" | grep -q "\"$2\""; }
mapctl_says() { # mapctl_says TEXT ARGUMENT...
	local text="$1"
	shift
	mapctl "$@" 2>&1 | grep -qF -e "$text"
}
violation_of() { mapctl violations | awk -v path="$1" '{for (n = 1; n <= NF; n++) if ($n == path) print $1}' | head -n 1; }

applied() {
	manifest monitor /bin/sh /bin/true >"$HF/web.yaml"
	typed 0 "" policies validate "$HF/web.yaml"
	typed 0 "+# kept by the web team" policies apply "$HF/web.yaml" --yes
	check "it is there as it was written" cmp "$HF/web.yaml" "$POLICIES/e2e.web.yaml"
	POLICY=web bundle web /bin/sh -c "$OBEY"
	check "a container starts under it" start_container web
	typed 0 "e2e/pod-web/app" policies mode web protect --dry-run
	check "a dry run changes nothing" in_mode web monitor
	typed 0 "in force" policies mode web protect --yes
	check "the mode is another" in_mode web protect
	check "and the comment is still there" grep -q '^# kept by the web team' "$POLICIES/e2e.web.yaml"
	manifest protect /bin/sh relative >"$HF/bad.yaml"
	typed 1 "bad.yaml:8:" policies apply "$HF/bad.yaml" --yes
	check "a bad file changes nothing" in_mode web protect
	mapctl policies apply - --yes <"$HF/web.yaml" >"$HF/typed" 2>&1
	check "from standard input, too" in_mode web monitor
}

deleted() {
	typed 2 "nobody to ask" policies delete web
	typed 0 "1 container loses its protection: e2e/pod-web/app" policies delete web --dry-run
	asked n policies delete web
	says "on a terminal it asks" "$HF/typed" "loses its protection" "without protection? [y/N]" "nothing was changed"
	check "no means no" test -e "$POLICIES/e2e.web.yaml"
	asked y policies delete web
	says "yes means yes" "$HF/typed" removed
	refute "its file is gone" test -e "$POLICIES/e2e.web.yaml"
	check "the container is not bound any more" unbound web
	typed 4 "there is no policy web" policies delete web --yes
}

# As the kubelet mounts a ConfigMap: the folder first, then a link to each file of it; an update
# renames the folder's link.
mapped() {
	mkdir "$POLICIES/..1" "$POLICIES/..2"
	POLICIES=$POLICIES/..1 policy mapped monitor "$(allow_only app /bin/sh)"
	POLICIES=$POLICIES/..2 policy mapped protect "$(allow_only app /bin/sh)"
	ln -s ..1 "$POLICIES/..data"
	ln -s ..data/mapped.yaml "$POLICIES/mapped.yaml"
	eventually "a policy that is a link is in force" policy_in_force mapped monitor
	ln -s ..2 "$POLICIES/..data_tmp"
	mv -T "$POLICIES/..data_tmp" "$POLICIES/..data"
	eventually "and is another when what it leads to is" policy_in_force mapped protect
	rm -r "$POLICIES/mapped.yaml" "$POLICIES/.."[12d]*
}

mistyped() { # what a new user gets wrong
	typed 2 "Usage" polices
	typed 2 "Missing expected argument" policies delete
	typed 2 "protec" policies mode shop protec
	typed 4 "there is no policy shopp" policies mode shopp protect
	typed 4 "there is no proposal shopp" proposals show shopp
	typed 2 "abc" violations allow abc
	typed 4 "there is no violation 999" violations allow 999
	typed 2 "Missing expected argument" explain shop
	typed 4 "is not an absolute path" explain shop ls
	typed 2 "--limit -1" violations --limit=-1
	typed 2 "--interval" top --interval 0
	typed 4 "no such file" policies apply "$HF/none.yaml"
	typed 1 "none.yaml" policies validate "$HF/none.yaml"
	typed 0 "mapctl proposals" help proposals
	typed 0 "#compdef mapctl" --generate-completion-script zsh
	"$HOLDFAST_BIN/mapctl" --socket "$HF/none.sock" status >"$HF/typed" 2>&1
	check "without mapd: exit 3" [ $? -eq 3 ]
	says "and what to do" "$HF/typed" "cannot reach mapd" "systemctl start mapd"
}

if ! start_mapd; then
	fail "mapd starts" "$HF/mapd.log"
	finish
fi
for journey in promoted applied deleted mapped mistyped; do
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$journey" ] || continue
	"$journey"
done
finish

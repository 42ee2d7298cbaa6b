# SPDX-License-Identifier: Apache-2.0
"""What mapd itself does in a second, and how long it takes: hooks, policies, starts, reports."""

import contextlib
import json
import os
import signal
import subprocess
import time

from measure.figures import Figure, median_of, percentile
from measure.kernel import resident
from measure.node import Container, Node, program, root_folder, rounds, wait_until

CLIENTS = 8
CONTAINERS = 500
POLICIES = 10_000
RULES = 100  # of the policy that is changed


def executables(count, prefix="/usr/lib/app/bin"):
    return [f"{prefix}/program-{n}" for n in range(count)]


def hook_requests():
    """Containers that wait in their createRuntime hook are bound and unbound, over and over."""
    with Node() as node:
        node.start()
        node.policy("web", "protect", *executables(10))
        with held(node) as lines:
            for clients in (1, CLIENTS):
                yield from request_figures(node, lines[:clients], clients)


@contextlib.contextmanager
def held(node):
    """So many containers in their createRuntime hook; `ID PID BUNDLE` of each."""
    rootfs = root_folder(f"{node.folder}/held", {"/wait": program("wait")})
    gate, starting = f"{node.folder}/go-on", []
    states = [f"{node.folder}/state-{n}" for n in range(CLIENTS)]
    try:
        for n, state in enumerate(states):
            hook = [{"path": program("wait"), "args": ["wait", gate, state], "timeout": 600}]
            one = Container(node, f"h{n}", "web", ["/wait"], rootfs, hook)
            node.containers.append(one)
            starting.append(subprocess.Popen(one.runc("run", "-d", "--bundle", one.bundle, one.name),
                                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        wait_until(lambda: all(map(os.path.exists, states)), "containers are in their hooks")
        found = [json.load(open(state)) for state in states]
        yield [f"{state['id']} {state['pid']} {state['bundle']}\n" for state in found]
    finally:
        open(gate, "w").close()
        for one in starting:
            one.wait()


def request_figures(node, lines, clients):
    seconds = 10 if rounds(100) == 100 else 1
    path = f"{node.folder}/times"
    open(path, "w").close()
    with open(path, "a") as out:
        subprocess.run([program("requests"), node.hook_socket, str(seconds)], input="".join(lines), text=True,
                       stdout=out, check=True)
    with open(path) as file:
        times = [int(line) / 1e6 for line in file]
    how = (f"createRuntime of {clients} containers in turns with poststop, {clients} clients of one connection a "
           f"request, {seconds} s: the cgroup, procfs and config.json are read, rules compiled and written, the record "
           "is on disk, the binding in the maps")
    yield Figure(f"mapd.requests.clients{clients}", 2 * len(times) / seconds, "/s", how + "; both kinds of request")
    yield median_of(f"mapd.bind.clients{clients}", times, "ms", how + "; createRuntime alone, connect to answer")
    yield Figure(f"mapd.bind.clients{clients}.p99", percentile(times, 99), "ms", "of these the 99th percentile")


def policy_changes():
    """From the rename of a policy file until the kernel has the new rules."""
    with Node() as node:
        node.start()
        lists = [executables(RULES), executables(RULES - 1) + ["/usr/bin/another"]]
        node.policy("web", "protect", *lists[0])
        node.crowd(1, lambda _: "web")
        times = []
        for turn in range(rounds(200)):
            fresh = f"{node.folder}/fresh.new"
            node.write_policy("web", "protect", lists[(turn + 1) % 2], fresh)
            answer = subprocess.run(
                [program("effect"), f"{node.pins}/v1/rulesets", fresh, f"{node.folder}/policies/web.yaml"],
                capture_output=True, text=True, check=True)
            times.append(int(answer.stdout) / 1e6)
            time.sleep(0.01 * (turn % 7))  # not in step with what mapd does
        yield median_of("mapd.apply", times, "ms", "rename of a policy of 100 rules into the policies' folder until the "
                        "word of the rule set has changed in the pinned map; one container", target=5)
        yield Figure("mapd.apply.p99", percentile(times, 99), "ms", "of these the 99th percentile")


def starts(node, name, how, limit):
    times = []
    for _ in range(rounds(20)):
        times.append(node.start())
        node.stop(signal.SIGKILL)
    return median_of(name, times, "s", how, target=limit)


def full_node():
    """Starts of a mapd with 500 containers, then with 10,000 policies as well, and its memory then."""
    containers, policies = rounds(CONTAINERS), rounds(POLICIES)
    with Node() as node:
        yield starts(node, "mapd.start.empty", "exec of mapd until READY=1, no policy, no container", None)
        for n in range(containers):
            node.write_policy(f"p{n}", "protect", executables(10, f"/opt/app{n}"), f"{node.folder}/policies/p{n}.yaml")
        node.start()
        node.crowd(containers, lambda n: f"p{n}")
        node.stop(signal.SIGKILL)
        yield starts(node, "mapd.start.containers500", f"SIGKILL, then exec of mapd until READY=1, {containers} bound "
                     "containers with a policy of 10 rules each", 1)
        for n in range(containers, policies):
            node.write_policy(f"p{n}", "protect", executables(10, f"/opt/app{n}"), f"{node.folder}/policies/p{n}.yaml")
        yield starts(node, "mapd.start.policies10000", f"the same with {policies} policies of 10 rules, a file each", 2)
        node.start()
        time.sleep(3)
        yield Figure("mapd.memory.full", resident(node.mapd.pid) / 1e6, "MB",
                     f"VmRSS of mapd 3 s after such a start: {policies} policies, {containers} containers", target=60)


def measure():
    yield from hook_requests()
    yield from policy_changes()
    yield from full_node()

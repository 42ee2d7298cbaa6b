# SPDX-License-Identifier: Apache-2.0
"""What mapd itself does in a second, and how long it takes: hooks, policies, starts, reports."""

import contextlib
import json
import os
import signal
import subprocess
import time

from measure.container import Container, root_folder
from measure.execs import Probe
from measure.figures import Figure, median_of, percentile
from measure.kernel import resident
from measure.machine import BIN, program, rounds, wait_until
from measure.node import Node

CLIENTS = 8
CONTAINERS = 500
POLICIES = 10_000
RULES = 100  # of the policy that is changed
COPIES = 24  # of the gate, attached beside it: each refuses, and counts
EVENT_RATES = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000]


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


def first_start(node):
    """Nothing is pinned: the gate is loaded, which is the verifier's time, and attached."""
    times = []
    for _ in range(rounds(20)):
        times.append(node.start())
        node.stop(signal.SIGKILL)
        node.detach()
    return median_of("mapd.start.first", times, "s", "exec of mapd until READY=1 where no gate is attached")


def full_node():
    """Starts of a mapd with 500 containers, then with 10,000 policies as well, and its memory then."""
    containers, policies = rounds(CONTAINERS), rounds(POLICIES)
    with Node() as node:
        yield first_start(node)
        node.start()
        node.stop(signal.SIGKILL)
        yield starts(node, "mapd.start.empty", "SIGKILL, then exec of mapd until READY=1, no policy, no container: the "
                     "gate is attached, and not loaded again", None)
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


def event_rate():
    """The highest rate of which nothing is lost, and which mapd has told of when it ends."""
    with Node() as node:
        node.start()
        node.policy("web", "monitor", "/wait")
        node.crowd(1, lambda _: "web")
        best, tried, first = 0, [], 0
        for rate in EVENT_RATES:
            seconds = 10 if rounds(100) == 100 else 2
            lost, sent, late = flood(node, rate, seconds, first)
            first += sent + 1
            tried.append(f"{rate}: {lost} lost, told of {late:.1f} s after the last")
            if lost or late > 2:  # it tells once a second, and is asked how far it is
                break
            best = rate
        yield Figure("mapd.events", best, "/s",
                     f"events of different paths put into the gate's ring buffer for {seconds} s (bench/programs/flood.c), "
                     "none lost and the last one told of within two seconds; " + "; ".join(tried))


def flood(node, rate, seconds, first):
    """How many were lost, were sent, and the seconds until mapd told of the last."""
    before = node.status()["eventsLost"]
    answer = subprocess.run([program("flood"), f"{node.pins}/v1", str(rate), str(seconds), str(first)],
                            capture_output=True, text=True, check=True).stdout.split()
    end, sent, lost = time.monotonic(), int(answer[1]), int(answer[3])
    last = f"/flood/{first + sent - 1:08d}"
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: lost or last in node.mapctl("events", "--json").stdout, f"mapd tells of {last}")
    return lost + node.status()["eventsLost"] - before, sent, time.monotonic() - end


def refusals():
    """Refused execs as fast as this machine makes them, and whether each was counted."""
    storm = os.path.join(BIN, "storm")
    if not os.path.exists(storm):
        print("mapd.refused: skipped, out/bin/storm is not there; make test-programs builds it")
        return
    count = rounds(40_000) // 4 * 4
    with Node() as node:
        node.start()
        node.policy("storm", "protect", "/storm")
        rate, seen, counted, _ = burst(node, "plain", storm, count)
        yield Figure("mapd.refused", rate, "/s", f"{count} execs that are refused, 4 processes in a container: "
                     "fork, exec, SIGKILL and wait are what the machine needs its time for")
        yield Figure("mapd.refused.miscounted", abs(counted - seen["tried"]) + seen["ran"], "execs",
                     "counted by the gate less tried by the program itself, and those that ran", target=0)
        gate = node.gate_program()
        with Probe(*[gate] * COPIES) as probe:
            for which in range(COPIES):
                probe.tell(f"on {which}")
            rate, seen, counted, told = burst(node, "dense", storm, count // 2)
        times = COPIES + 1
        yield Figure("mapd.refusals", rate * times, "/s", f"refusals by the gate, attached {times} times, so that each of the "
                     "execs above is refused and counted so often", target=100_000, at_least=True)
        wrong = abs(counted - times * seen["tried"]) + abs(told - times * seen["tried"]) + seen["ran"]
        yield Figure("mapd.refusals.miscounted", wrong, "refusals", "counted by the gate less made, told by mapctl "
                     "violations less made, and execs that ran", target=0)


def burst(node, name, storm, count):
    """So many refused execs in a container of its own: a second's, the program's own score, what the gate has
    counted, and what mapd tells of as the container's violations."""
    before = node.status()["counters"]["refused"]
    begin = time.monotonic()
    node.container(name, "storm", {"/storm": storm, "/forbidden": storm},
                   ["/storm", "/tally", "--burst", str(count), "4", "/forbidden"])
    tally = f"{node.folder}/bundles/{name}/rootfs/tally"
    wait_until(lambda: score(storm, tally).get("ended") == 4, "the storm ends")
    took = time.monotonic() - begin
    seen = score(storm, tally)
    counted = node.status()["counters"]["refused"] - before
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: violations(node, name) >= counted, f"mapd tells of {counted} violations", seconds=10)
    return seen["refused"] / took, seen, counted, violations(node, name)


def violations(node, container):
    """How many mapd has on record of a container."""
    found = json.loads(node.mapctl("violations", "--json").stdout or "[]")
    return sum(one["count"] for one in found if one["sample"]["containerId"] == container)


def score(storm, tally):
    words = subprocess.run([storm, "--read", tally], capture_output=True, text=True).stdout.split()
    return {name: int(value) for name, value in zip(words[::2], words[1::2])}


def measure():
    yield from event_rate()
    yield from refusals()
    yield from hook_requests()
    yield from policy_changes()
    yield from full_node()

# SPDX-License-Identifier: Apache-2.0
"""What an exec costs under the gate, at attach point kill (a raw tracepoint).

One worker in one container forks, executes and waits. The gate's program, as mapd loaded it, is
attached and detached around it, so that the same execs in the same process are compared."""

import contextlib
import os
import statistics
import subprocess

from measure.container import cgroup2_hook, hierarchy, our_hook
from measure.execs import Probe, Worker
from measure.figures import Figure, median_of
from measure.machine import GATE_LINK, program, rounds
from measure.node import Node

BLOCK = 40  # execs in a row with the gate on, or off
READING = 10  # execs in a row between two readings of its run time, as in a script: what this program does
# between them is in the way of the first only. More, and others may execute in between.
LOADS = 9  # of the gate, for the figures that have a target: where the kernel puts its code makes a difference
SETTLE = 5  # not counted after a program was attached
DEPTHS = {2: "/p/nothing", 4: "/p/a/b/nothing", 8: "/p" + "/d" * 6 + "/nothing", 32: "/p" + "/d" * 30 + "/nothing"}
GATE, EMPTY = 0, 1
GATE_FILE = "gate-6.2.bpf.o"

GATE_HOW = ("the kernel's BPF run time (BPF_ENABLE_STATS) of the gate, less that of an empty program on the same tracepoint "
            f"in the same execs, by {READING} execs in a row; median of the readings during which nobody else executed")
FIRST_HOW = ("the same of an exec by itself: before each the benchmark's interpreter has had the processor and its caches")
WHOLE_HOW = ("fork + exec + exit + wait of a static program that does nothing, gate attached / detached, blocks of 40 "
             "in turns; median of the ratios of the blocks' medians")


def files():
    return {"/execs": program("execs")} | {path: program("nothing") for path in DEPTHS.values()}


def start(node, mode, v1=False):
    """A worker in a container of a policy in this mode, bound in cgroup2 unless told otherwise."""
    name = mode + "-v1" if v1 else mode
    node.policy(name, mode, "/execs", *DEPTHS.values())
    place = [] if v1 else cgroup2_hook(node, name)
    return node.container(name, name, files(), ["/execs"], place + our_hook(node))


def release_gate(node):
    """A probe of mapd's own program. mapd ends and its link goes: the probe decides from here on."""
    probe = Probe(node.gate_program(), "empty")
    probe.tell("stats")
    node.stop()
    os.unlink(node.pin(GATE_LINK))
    return probe


def gate_times(probe, worker, path, readings, links=1, execs=None):
    """Nanoseconds of the gate per exec, of each reading of so many execs in which nobody else executed."""
    watch(probe, "on", "timed")
    worker.run(path, SETTLE)
    found = [time for time in (read(probe, worker, path, links, execs) for _ in range(readings)) if time is not None]
    watch(probe, "off", "plain")
    if len(found) < readings / 20:
        raise RuntimeError(f"{path}: others executed in {readings - len(found)} of {readings} readings; "
                           "measure when this machine is quiet")
    return found


def watch(probe, switch, timing):
    for which in (GATE, EMPTY):
        probe.tell(f"{switch} {which}")
    probe.tell(timing)


def read(probe, worker, path, links=1, execs=None):
    """links: how often the gate's program is attached."""
    execs = execs or READING
    before = probe.stats()
    worker.run(path, execs)
    after = probe.stats()
    runs = [after[n][0] - before[n][0] for n in (GATE, EMPTY)]
    spent = [after[n][1] - before[n][1] for n in (GATE, EMPTY)]
    # execs of others on this machine are unbound, and would look cheap
    return (spent[GATE] - links * spent[EMPTY]) / execs if runs == [links * execs, execs] else None


def whole_ratios(probe, worker, path, blocks, which=GATE):
    """attached / detached, and detached / detached, of fork + exec + exit, in percent above 1."""
    gate, noise = [], []
    for turn in range(blocks):
        medians = {}
        for arm in (("on", "off", "again"), ("again", "on", "off"), ("off", "again", "on"))[turn % 3]:
            probe.tell(f"{'on' if arm == 'on' else 'off'} {which}")
            worker.run(path, SETTLE)
            medians[arm] = statistics.median(worker.run(path, BLOCK))
        gate.append((medians["on"] / medians["off"] - 1) * 100)
        noise.append((medians["again"] / medians["off"] - 1) * 100)
    probe.tell(f"off {which}")
    return gate, noise


def gate_figure(name, probe, worker, path, execs=None):
    times = [time / 1000 for time in gate_times(probe, worker, path, rounds(2000), execs=execs)]
    return median_of(f"exec.gate.{name}", times, "us", FIRST_HOW if execs == 1 else GATE_HOW)


def whole_figures(name, probe, worker, path, limit=None):
    gate, noise = whole_ratios(probe, worker, path, rounds(400))
    yield median_of(f"exec.added.{name}", gate, "%", WHOLE_HOW, target=limit)
    yield median_of(f"exec.added.{name}.noise", noise, "%", "the same with the gate detached in both")


def measure():
    yield from by_loads()
    with Node() as node:
        node.start()
        containers = {mode: start(node, mode) for mode in ("protect", "monitor")}
        # one that no policy is for, beside those
        containers["none"] = node.container("none", "none", files(), ["/execs"], cgroup2_hook(node, "none") + our_hook(node))
        workers = {mode: Worker.inside(one) for mode, one in containers.items()}
        with release_gate(node) as probe:
            host = Worker.on_host()
            whole = [statistics.median(host.run(program("nothing"), BLOCK)) / 1000 for _ in range(rounds(100))]
            yield median_of("exec.whole", whole, "us", "fork + exec + exit + wait on the host, no gate attached")
            yield gate_figure("unbound.first", probe, host, program("nothing"), execs=1)
            yield gate_figure("unbound.container", probe, workers["none"], DEPTHS[4])
            for depth in (2, 8, 32):
                yield gate_figure(f"protect.depth{depth}", probe, workers["protect"], DEPTHS[depth])
            yield gate_figure("protect.depth4.first", probe, workers["protect"], DEPTHS[4], execs=1)
            yield from whole_figures("unbound", probe, host, program("nothing"), 0.5)
            for mode in ("protect", "monitor"):
                yield from whole_figures(f"{mode}.depth4", probe, workers[mode], DEPTHS[4], 0.5)
            empty, _ = whole_ratios(probe, workers["protect"], DEPTHS[4], rounds(400), EMPTY)
            yield median_of("exec.added.empty", empty, "%", "the same with a program that does nothing in the gate's place: what "
                            "the kernel takes to call one")
            for depth in (1, 8):
                containers["protect"].nest(depth)
                yield gate_figure(f"protect.cgroup{depth}", probe, workers["protect"], DEPTHS[4])
    yield from again()
    yield by_calls()
    if hierarchy("pids"):
        yield from on_v1()


def by_loads():
    """The figures with a target, each by several loads of the gate."""
    targets = {"unbound": 0.15, "protect.depth4": 1.0, "monitor.depth4": 1.0}
    found = {name: [] for name in targets}
    for _ in range(1 if os.environ.get("QUICK") else LOADS):
        with Node() as node:
            node.start()
            workers = {f"{mode}.depth4": Worker.inside(start(node, mode)) for mode in ("protect", "monitor")}
            with release_gate(node) as probe:
                workers["unbound"] = Worker.on_host()
                for name in targets:
                    path = program("nothing") if name == "unbound" else DEPTHS[4]
                    found[name].append(statistics.median(gate_times(probe, workers[name], path, rounds(400))) / 1000)
    for name, times in found.items():
        yield Figure(f"exec.gate.{name}", statistics.median(times), "us", GATE_HOW + f"; median of {len(times)} loads of the gate, "
                     "of which each has its code elsewhere; noise: the least and the most", target=targets[name], low=min(times),
                     high=max(times), samples=len(times))


def again():
    """A second run in the same exec, of the same program, and of a copy of it: what is computed, and what the gate's
    own code takes that the exec finds in no cache and of which no branch is foretold."""
    with Node() as node:
        node.start()
        worker, number = Worker.inside(start(node, "protect")), node.gate_program()
        with copy_of_gate(node) as copy, release_gate(node), Probe(number, "empty", number, copy) as probe:
            once = statistics.median(gate_times(probe, worker, DEPTHS[4], rounds(2000)))
            probe.tell("on 2")
            twice = statistics.median(gate_times(probe, worker, DEPTHS[4], rounds(2000), links=2))
            probe.tell("off 2")
            probe.tell("on 3")
            after = statistics.median(copy_times(probe, worker, DEPTHS[4], rounds(2000)))
    yield Figure("exec.gate.protect.depth4.again", (twice - once) / 1000, "us",
                 "the gate attached twice, less attached once: the second run finds its code and all that it reads in the caches")
    yield Figure("exec.gate.protect.depth4.copy", after / 1000, "us",
                 "a copy of the gate that runs behind it in the same exec: what it reads is in the caches, its code is not")


@contextlib.contextmanager
def copy_of_gate(node):
    """The number of its program loaded once more, on the same maps."""
    command = [program("copy"), os.path.join(os.path.dirname(node.gate), GATE_FILE), f"{node.pins}/v1", GATE_LINK.removeprefix("link_")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        number = process.stdout.readline().strip()
        if not number:
            raise RuntimeError("the gate does not load a second time; it says why above")
        yield number
        process.stdin.close()


def copy_times(probe, worker, path, readings):
    """Nanoseconds of program 3 per exec, attached behind the gate."""
    watch(probe, "on", "timed")
    worker.run(path, SETTLE)
    found = []
    for _ in range(readings):
        before = probe.stats()
        worker.run(path, READING)
        after = probe.stats()
        if after[EMPTY][0] - before[EMPTY][0] == READING:
            found.append((after[3][1] - before[3][1] - after[EMPTY][1] + before[EMPTY][1]) / READING)
    watch(probe, "off", "plain")
    return found


def by_calls():
    """The gate of gate.bpf.o, which kernels before 6.2 run, on this one."""
    with Node(plain_loads=False) as node:
        node.start()
        worker = Worker.inside(start(node, "protect"))
        with release_gate(node) as probe:
            times = [time / 1000 for time in gate_times(probe, worker, DEPTHS[4], rounds(2000))]
    return median_of("exec.gate.protect.depth4.calls", times, "us",
                     "the gate of gate.bpf.o, which kernels before 6.2 run: bpf_probe_read_kernel() in place of plain loads")


def on_v1():
    """The same where containers are bound in a hierarchy of cgroup v1."""
    with Node() as node:
        node.start()
        container = start(node, "protect", v1=True)
        worker, host = Worker.inside(container), Worker.on_host()
        with release_gate(node) as probe:
            yield gate_figure("unbound.v1", probe, host, program("nothing"))
            yield gate_figure("protect.depth4.v1", probe, worker, DEPTHS[4])

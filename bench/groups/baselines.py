# SPDX-License-Identifier: Apache-2.0
"""The gate beside what others do, on the same execs: see bench/baselines/README.md."""

import contextlib
import os
import subprocess

from groups import exec
from groups.exec import DEPTHS, GATE_HOW, SETTLE, release_gate, start
from measure.container import hierarchy
from measure.execs import Probe, Worker
from measure.figures import Figure, median_of
from measure.kernel import bpftool, bytes_of
from measure.machine import PROGRAMS, program, rounds
from measure.node import Node

PATH = DEPTHS[4]
KINDS = [("programs", 1), ("programs", 10), ("programs", 38), ("inner", 38)]
NO_CGROUP = 0  # there is none of this number
EXECUTABLES = [1, 10, 100]
TIME_HOW = GATE_HOW.replace("of the gate", "of all programs that are attached, summed,").replace(
    "an empty program", "as many empty programs")


@contextlib.contextmanager
def loaded(kind, policies, executables, cgroup, path):
    """The numbers of the programs, and of the maps, of a baseline."""
    with subprocess.Popen([program("load"), PROGRAMS, kind, str(policies), str(executables), str(cgroup), path],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        found = {"program": [], "map": []}
        for line in process.stdout:
            if line == "ready\n":
                break
            what, number = line.split()
            found[what].append(int(number))
        if not found["program"]:
            raise RuntimeError(f"the baseline {kind} does not load; it says why above")
        yield found["program"], found["map"]
        process.stdin.close()


def cgroup_of(container):
    """The number of its cgroup in cgroup2."""
    with open(f"/proc/{container.state()['pid']}/cgroup") as file:
        path = next(line.strip().split("::")[1] for line in file if line.startswith("0::"))
    if path == "/":
        raise RuntimeError("the container has no cgroup of its own in cgroup2")
    return os.stat(hierarchy("") + path).st_ino


def times(probe, worker, programs, count):
    """Nanoseconds of all programs together per exec, for each reading that nobody disturbed."""
    for which in range(programs + 1):
        probe.tell(f"on {which}")
    probe.tell("timed")
    worker.run(PATH, SETTLE)
    found = []
    for _ in range(count):
        before = probe.stats()
        worker.run(PATH, exec.READING)
        after = probe.stats()
        if all(new[0] - old[0] == exec.READING for old, new in zip(before, after)):
            spent = [(new[1] - old[1]) / exec.READING for old, new in zip(before, after)]
            found.append(sum(spent[:-1]) - programs * spent[-1])
    probe.tell("plain")
    if len(found) < count / 10:
        raise RuntimeError("others executed in nearly all readings; measure when this machine is quiet")
    return found


def check(number):
    """A baseline that did not find the container, or its rule, would be fast."""
    maps = bpftool("prog", "show", "id", str(number))["map_ids"]
    scratch = next(one for one in maps if bpftool("map", "show", "id", str(one))["name"] == "scratch")
    values = [each["value"] for each in bpftool("map", "dump", "id", str(scratch))["formatted"]["values"]]
    allowed, refused = (sum(value[name] for value in values) for name in ("allowed", "refused"))
    if refused or not allowed:
        raise RuntimeError(f"the baseline decides wrong: {allowed} allowed, {refused} refused; all were to be allowed")


def measure():
    with Node() as node:
        node.start()
        container = start(node, "protect")
        worker = Worker.inside(container)
        with release_gate(node) as probe:
            yield time_figure("holdfast", times(probe, worker, 1, rounds(1500)), "the gate; any number of policies")
        for kind, policies in KINDS:
            with loaded(kind, policies, 10, cgroup_of(container), PATH) as (programs, _):
                with Probe(*programs, "empty") as probe:
                    found = times(probe, worker, len(programs), rounds(1500))
                check(programs[0])
            yield time_figure(f"{kind}{policies}", found, f"baseline {kind}, {policies} policies of 10 executables")
    for kind in ("programs", "inner"):
        for executables in EXECUTABLES:
            yield memory_figure(kind, executables)


def time_figure(name, found, what):
    return median_of(f"baselines.time.{name}", [time / 1000 for time in found], "us", f"{what}: {TIME_HOW}")


def memory_figure(kind, executables):
    """Of 20 policies less that of 10, so that what there is once does not count."""
    totals = []
    for policies in (10, 20):
        with loaded(kind, policies, executables, NO_CGROUP, PATH) as (programs, maps):
            totals.append(sum(bpftool("map", "show", "id", str(one))["bytes_memlock"] for one in maps)
                          + sum(map(bytes_of, programs)))
    return Figure(f"baselines.memory.{kind}.rules{executables}", (totals[1] - totals[0]) / 10, "bytes",
                  f"a further policy of {executables} executables: memlock of its maps, its programs and machine code, "
                  f"on {os.cpu_count()} processors")

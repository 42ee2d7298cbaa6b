# SPDX-License-Identifier: Apache-2.0
"""What oci-hook costs beside a program that does nothing, and what it adds to a container's start."""

import concurrent.futures
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time

from measure.container import Container, our_hook, root_folder
from measure.figures import Figure, median_of, percentile
from measure.machine import BIN, ROOT, program, rounds
from measure.node import Node

# The largest recorded one: CRI-O's.
STATE = os.path.join(ROOT, "Tests/Fixtures/oci-state/crio137-runc115/state.createRuntime.json")
HOW = ("started in turns by posix_spawn with a recorded state of 2.5 kB in a pipe, until wait4 returns; a server that "
       "answers `bound` at once (bench/programs/server.c) stands for mapd")
SIZE_MAX = 1_000_000
AT_ONCE = 500
CROWDS = 7


def measure():
    yield from alone()
    yield from container_start()
    yield from at_once()


def alone():
    with tempfile.TemporaryDirectory() as folder:
        programs = build(folder)
        socket = f"{folder}/hook.sock"
        with subprocess.Popen([program("server"), socket], stdout=subprocess.PIPE) as server:
            server.stdout.readline()
            answer = subprocess.run([program("spawn"), str(rounds(2000)), STATE, socket,
                                     *(f"{kind}:{path}" for kind, path in programs.values())],
                                    capture_output=True, text=True, check=True)
            server.kill()
        yield Figure("hook.size", os.path.getsize(f"{folder}/oci-hook"), "bytes", "oci-hook, stripped", target=SIZE_MAX)
    starts = [[int(word) for word in line.split()] for line in answer.stdout.splitlines()]
    taken = {name: [start[1:] for start in starts if start[0] == n] for n, name in enumerate(programs)}
    base = [start[0] for start in taken["nothing"]]
    for name, values in taken.items():
        if name != "again":
            yield from program_figures(name, values)
    yield ratio("hook.ratio.noise", [one[0] for one in taken["again"]], base, "the do-nothing to itself")
    for name in taken.keys() - {"nothing", "again"}:
        limit = {"target": 1.25} if name == "oci-hook" else {}
        yield ratio(f"hook.ratio.{name}", [one[0] for one in taken[name]], base,
                    f"{name} / a static program that does nothing, " + HOW, **limit)


def build(folder):
    """name -> (how it is called, path)."""
    nothing = program("nothing")
    shutil.copy(f"{BIN}/oci-hook", f"{folder}/oci-hook")
    subprocess.run(["strip", f"{folder}/oci-hook"], check=True)
    found = {"nothing": ("plain", nothing), "oci-hook": ("oci-hook", f"{folder}/oci-hook"),
             "c": ("other", program("hook")), "again": ("plain", nothing)}
    if shutil.which("go"):
        source = os.path.join(ROOT, "bench/programs/hook.go")
        subprocess.run(["go", "build", "-ldflags=-s -w", "-o", f"{folder}/go", source], check=True,
                       env=os.environ | {"CGO_ENABLED": "0"})
        found["go"] = ("other", f"{folder}/go")
    else:
        print("hook.ratio.go: skipped, there is no Go toolchain on PATH")
    return found


def program_figures(name, values):
    columns = list(zip(*values))
    yield median_of(f"hook.time.{name}", [time / 1000 for time in columns[0]], "us", HOW)
    yield Figure(f"hook.cpu.{name}", statistics.mean(columns[1]), "us",
                 "user and system time of the same starts (rusage), their mean: the kernel counts it in ticks")
    yield Figure(f"hook.memory.{name}", max(columns[2]), "kB", "largest resident set of the same starts (rusage)")
    yield Figure(f"hook.faults.{name}", statistics.median(columns[3]), "faults", "minor page faults of the same starts")


def ratio(name, times, base, how, **target):
    """Of medians, with the interval that starts drawn again give it."""
    draws, random_one = [], random.Random(1)
    for _ in range(200):
        drawn = [statistics.median(random_one.choices(values, k=len(values))) for values in (times, base)]
        draws.append(drawn[0] / drawn[1])
    draws.sort()
    return Figure(name, statistics.median(times) / statistics.median(base), "x", how, low=draws[5], high=draws[194],
                  samples=len(times), **target)


def container_start():
    """The same container without a hook, with one that does nothing, and with ours."""
    kinds = ["none", "nothing", "oci-hook"]
    with Node() as node:
        node.start()
        node.policy("web", "protect", "/nothing")
        rootfs = root_folder(f"{node.folder}/rootfs", {"/nothing": program("nothing")})
        hooks = {"none": [], "nothing": [{"path": program("nothing")}], "oci-hook": our_hook(node)}
        taken = {kind: [] for kind in kinds}
        for turn in range(rounds(300)):
            for kind in kinds[turn % 3:] + kinds[:turn % 3]:
                taken[kind].append(one_run(node, f"{kind}-{turn}", rootfs, hooks[kind]))
    how = ("runc run of a container whose program does nothing, in turns without a hook, with a hook that does nothing, "
           "and with oci-hook createRuntime, mapd and a policy; median of the rounds' differences")
    yield median_of("hook.start.none", [time * 1e3 for time in taken["none"]], "ms", how.split(",")[0] + ", without hooks")
    for kind in kinds[1:]:
        added = [(with_hook - without) * 1e3 for with_hook, without in zip(taken[kind], taken["none"])]
        yield median_of(f"hook.start.added.{kind}", added, "ms", how, target=3 if kind == "oci-hook" else None)


def one_run(node, name, rootfs, hooks):
    """Seconds of a container from its making to its end."""
    one = Container(node, name, "web", ["/nothing"], rootfs, hooks)
    begin = time.monotonic()
    done = subprocess.run(one.runc("run", "--bundle", one.bundle, one.name), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"runc run: {done.stderr}")
    return time.monotonic() - begin


def at_once():
    """Hooks of containers that are started together. How long hundreds of processes wait for a processor is luck, and
    differs from crowd to crowd by more than a hook takes: so each container has both, one after the other, and every
    other one has them the other way round."""
    count = rounds(AT_ONCE)
    kinds = {}
    with Node() as node:
        node.start()
        node.policy("web", "protect", "/wait")
        rootfs = root_folder(f"{node.folder}/rootfs", {"/wait": program("wait")})
        ours = our_hook(node)[0]
        commands = {"nothing": [program("nothing")], "oci-hook": [ours["path"], *ours["args"][1:]]}
        for turn in range(CROWDS):
            for kind, times in start_together(node, f"crowd{turn}x", rootfs, commands, count).items():
                kinds.setdefault(kind, []).append(times)
    for kind, crowds in kinds.items():
        together = sum(crowds, [])
        how = (f"hooks of {count} containers that runc starts at once on {os.cpu_count()} processors, {CROWDS} times; each has "
               f"both kinds; {kind}")
        yield median_of(f"hook.together.{kind}", together, "ms", how)
        yield Figure(f"hook.together.{kind}.p99", percentile(together, 99), "ms", "of these the 99th percentile")
    added = [percentile(ours, 99) - percentile(nothing, 99) for ours, nothing in zip(kinds["oci-hook"], kinds["nothing"])]
    yield median_of("hook.together.added.p99", added, "ms", "the 99th percentile of oci-hook less that of the hook that does "
                    "nothing, in the same crowd; median of the crowds", target=10)


def start_together(node, name, rootfs, commands, count):
    """Kind -> milliseconds of each hook, by the clock of a program around it. The containers are gone when it returns."""
    files = {kind: f"{node.folder}/{name}-{kind}.times" for kind in commands}
    hooks = [{"path": program("timed"), "args": ["timed", files[kind], *command], "timeout": 120}
             for kind, command in commands.items()]
    crowd = [Container(node, f"{name}{n}", "web", ["/wait"], rootfs, hooks[::1 if n % 2 else -1]) for n in range(count)]
    node.containers += crowd
    starting = [subprocess.Popen(one.runc("run", "-d", "--bundle", one.bundle, one.name), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for one in crowd]
    failed = sum(one.wait() != 0 for one in starting)
    if failed:
        raise RuntimeError(f"{failed} of {count} containers did not start; mapd's log ends: {node.log_end()}")
    with concurrent.futures.ThreadPoolExecutor(4) as removers:
        list(removers.map(Container.remove, crowd))
    del node.containers[-count:]
    found = {}
    for kind, path in files.items():
        with open(path) as file:
            found[kind] = [int(line) / 1e6 for line in file]
    return found

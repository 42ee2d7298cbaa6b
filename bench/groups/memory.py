# SPDX-License-Identifier: Apache-2.0
"""Kernel memory: what is there without any policy, and what a policy adds. mapd's own memory is
in group mapd, which has the containers for it."""

import time

from groups.scale import fill
from measure.figures import Figure
from measure.kernel import bytes_of, maps_of, memory_cgroup, resident
from measure.machine import rounds
from measure.node import Node

POLICIES = 10_000
EXECUTABLES = [1, 10, 100]
PER_RULE, PER_POLICY = 150, 300

FIXED_HOW = "memlock of every map of the gate (fdinfo), of its program and of its machine code, without a policy"
POLICY_HOW = ("memlock of all maps after 10,000 rule sets were added less before, by 10,000; the maps are the "
              "default's, with --max-rules 1,100,000. One shared hash, nothing per CPU: the same on any number of CPUs")
CGROUP_HOW = ("the same by the memory cgroup that mapd made the maps in: with what the allocator rounds up to. "
              "What its caches hold back is in it")


def fixed():
    with Node() as node:
        node.start()
        number = node.gate_program()
        maps = maps_of(number)
        yield Figure("memory.fixed", (sum(maps.values()) + bytes_of(number)) / 1e6, "MB", FIXED_HOW, target=4)
        for name, size in sorted(maps.items(), key=lambda one: -one[1])[:4]:
            yield Figure(f"memory.fixed.{name}", size / 1e6, "MB", "of that, map " + name)
        time.sleep(10)
        yield Figure("memory.mapd.idle", resident(node.mapd.pid) / 1e6, "MB",
                     "VmRSS of mapd 10 s after its start, no policy, no container", target=25)


def per_policy(executables):
    """Bytes that one policy adds, by memlock and by the memory cgroup."""
    policies = rounds(POLICIES)
    with Node("--max-rules", str(110 * POLICIES)) as node, memory_cgroup(node.name) as usage:
        node.start()
        number = node.gate_program()
        node.stop()
        before, used = sum(maps_of(number).values()), usage and usage()
        fill(node, 10, policies, executables)
        after, now = sum(maps_of(number).values()), usage and usage()
        node.detach()
    return (after - before) / policies, (now - used) / policies if usage else None


def measure():
    yield from fixed()
    for executables in EXECUTABLES:
        locked, charged = per_policy(executables)
        limit = PER_RULE * executables + PER_POLICY
        yield Figure(f"memory.policy.rules{executables}", locked, "bytes", POLICY_HOW, target=limit)
        if charged is not None:
            yield Figure(f"memory.policy.rules{executables}.charged", charged, "bytes", CGROUP_HOW)

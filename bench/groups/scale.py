# SPDX-License-Identifier: Apache-2.0
"""Does an exec cost more the more rule sets and rules there are? Two gates with maps of the same
size, each with a container: one has that container's rule set and no more, the other is filled."""

import contextlib
import statistics
import subprocess

from groups.exec import DEPTHS, GATE_HOW, read, release_gate, start, watch
from measure.execs import Worker
from measure.figures import median_of
from measure.machine import program, rounds
from measure.node import Node

PATH = DEPTHS[4]
ROOM = 1_100_000  # rules
# Rule sets there are, how many are added to come there, rules of each that is added. The last
# brings the rules to a million.
SIZES = [(1, 0, 0), (100, 99, 10), (10_000, 9_900, 10), (65_000, 55_000, 17)]
HOW = GATE_HOW + "; rule sets beside the container's own are put into the maps by bench/programs/fill.c"
PAIR_HOW = ("the other gate / this one, one rule set in each, readings in turns; median of the pairs: the gate that was "
            "attached last finds in the caches what the other one has just read")
GROWTH_HOW = ("the gate with so many rule sets / a gate with one, on maps of the same size, readings in turns; "
              "median of the pairs, against `scale.pair`")


def fill(node, first, count, each):
    """So many more rule sets."""
    pins = f"{node.pins}/v1"
    subprocess.run([program("fill"), pins, str(first), str(count), str(each)], check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def judged():
    """A node, its container's worker, and a probe of its gate."""
    with Node("--max-rules", str(ROOM)) as node:
        node.start()
        container = start(node, "protect")
        with release_gate(node) as probe:
            yield node, Worker.inside(container), probe


def pairs(one, other, count):
    """Readings of both in turns, those that nobody disturbed."""
    found = []
    for _ in range(count):
        values = [read(probe, worker, PATH) for _, worker, probe in (one, other)]
        if None not in values:
            found.append(values)
    if len(found) < count / 10:
        raise RuntimeError("others executed in nearly all readings; measure when this machine is quiet")
    return found


def measure():
    with judged() as small, judged() as large:
        first, pair = 10, None
        for _, _, probe in (small, large):
            watch(probe, "on", "timed")
        for sets, more, each in SIZES:
            if more:
                fill(large[0], first, more, each)
                first += more
            found = pairs(small, large, rounds(2000))
            yield median_of(f"scale.gate.sets{sets}", [big / 1000 for _, big in found], "us", HOW)
            ratios = [big / little for little, big in found]
            if pair is None:
                pair = statistics.median(ratios)
                yield median_of("scale.pair", ratios, "x", PAIR_HOW)
            else:
                yield median_of(f"scale.growth.sets{sets}", [(ratio / pair - 1) * 100 for ratio in ratios], "%",
                                GROWTH_HOW, target=10)

# SPDX-License-Identifier: Apache-2.0
"""Execs on order, and the kernel's statistics of the programs that judge them."""

import os
import subprocess
import sys

from measure.machine import program


def prefer(pid):
    """Before all else, on the last processor: what others do meanwhile is not what is measured.
    Where that is not allowed it is measured all the same, and the noise shows it."""
    try:
        # a cgroup of the v1 controller has no real-time share of its own
        if os.path.exists("/sys/fs/cgroup/cpu/cgroup.procs"):
            with open("/sys/fs/cgroup/cpu/cgroup.procs", "w") as file:
                file.write(str(pid))
        os.sched_setaffinity(pid, {os.cpu_count() - 1})
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    except OSError as problem:
        print(f"bench: no real-time priority ({problem.strerror}): other work on this machine counts", file=sys.stderr)


class Worker:
    """Forks, executes and waits on order: bench/programs/execs.c, in a container or on the host."""

    def __init__(self, orders, answers, pid):
        self.orders, self.answers = orders, answers
        prefer(pid)

    @classmethod
    def on_host(cls):
        process = subprocess.Popen([program("execs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return cls(process.stdin, process.stdout, process.pid)

    @classmethod
    def inside(cls, container):
        return cls(container.orders, container.answers, container.state()["pid"])

    def run(self, path, count):
        """Nanoseconds of each fork + exec + exit."""
        self.orders.write(f"{count} {path}\n")
        self.orders.flush()
        answer = self.answers.readline()
        if not answer or answer.startswith("failed"):
            raise RuntimeError(f"an exec of {path} that should have run: {answer.strip() or 'the worker has ended'}")
        return [int(word) for word in answer.split()]


class Probe:
    """Programs that are attached and detached at will: bench/programs/probe.c."""

    def __init__(self, *programs):
        self.process = subprocess.Popen([program("probe"), *map(str, programs)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def tell(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"probe ended at '{order}'; it says why above")
        return answer

    def stats(self):
        """(runs, nanoseconds) of each program."""
        words = [int(word) for word in self.tell("stats").split()]
        return list(zip(words[::2], words[1::2]))

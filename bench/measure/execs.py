# SPDX-License-Identifier: Apache-2.0
"""Execs on order, and the kernel's statistics of the programs that judge them."""

import subprocess

from measure.node import program


class Worker:
    """Forks, executes and waits on order: bench/programs/execs.c, in a container or on the host."""

    def __init__(self, orders, answers):
        self.orders, self.answers = orders, answers

    @classmethod
    def on_host(cls):
        process = subprocess.Popen([program("execs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return cls(process.stdin, process.stdout)

    @classmethod
    def inside(cls, container):
        return cls(container.orders, container.answers)

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

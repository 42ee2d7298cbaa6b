# SPDX-License-Identifier: Apache-2.0
"""Where things are, and how long is waited for them."""

import os
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("HOLDFAST_BIN", os.path.join(ROOT, "out", "bin"))
PROGRAMS = os.path.join(ROOT, "out", "bench")
GATE_LINK = "link_gate_kill"
PATIENCE = 120  # seconds; reached only when something is wrong


def rounds(full):
    """So many of `full` as QUICK leaves."""
    return max(4, full // 20) if os.environ.get("QUICK") else full


def program(name):
    """A program of bench/programs, built when it is not there or older."""
    subprocess.run(["make", "-s", "-C", os.path.join(ROOT, "bench")], check=True)
    return os.path.join(PROGRAMS, name)


def wait_until(condition, what, seconds=PATIENCE):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.01)

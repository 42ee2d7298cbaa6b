# SPDX-License-Identifier: Apache-2.0
"""What the kernel says that BPF programs and maps take."""

import contextlib
import json
import os
import subprocess

MEMORY = "/sys/fs/cgroup/memory"


def bpftool(*words):
    answer = subprocess.run(["bpftool", "-j", *words], capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout)
    return found[0] if isinstance(found, list) else found


def maps_of(program):
    """Name -> bytes of each map that a program uses."""
    maps = [bpftool("map", "show", "id", str(number)) for number in bpftool("prog", "show", "id", str(program))["map_ids"]]
    return {one["name"]: one["bytes_memlock"] for one in maps}


def bytes_of(program):
    """Of a program's own: instructions, and machine code."""
    found = bpftool("prog", "show", "id", str(program))
    return found["bytes_memlock"] + found.get("bytes_jited", 0)


def resident(pid):
    """Bytes."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


@contextlib.contextmanager
def memory_cgroup(name):
    """A cgroup of its own for what this process makes meanwhile, and a function that reads its
    bytes: what the kernel's allocator really took. None where there is no memory controller."""
    if os.path.exists(f"{MEMORY}/memory.usage_in_bytes"):
        folder, usage, back = f"{MEMORY}/{name}-memory", "memory.usage_in_bytes", MEMORY
    elif os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        folder, usage, back = f"/sys/fs/cgroup/{name}-memory", "memory.current", "/sys/fs/cgroup"
    else:
        yield None
        return
    os.mkdir(folder)
    enter(folder)
    try:
        yield lambda: int(open(f"{folder}/{usage}").read())
    finally:
        enter(back)
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def enter(folder):
    with open(f"{folder}/cgroup.procs", "w") as file:
        file.write(str(os.getpid()))

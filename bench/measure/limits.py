# SPDX-License-Identifier: Apache-2.0
"""What a figure that may miss its target is made of: shown beside it where it does."""

_GATE = (
    "Two things make it up. About a hundred calls of `bpf_probe_read_kernel`: with plain loads instead (`bpf_rdonly_cast`, "
    "Linux 6.2) the same execs took 2.4 us where the calls took 4.1. And memory: with plain loads a second run of the gate "
    "in the same exec took 1.05 us of 2.97 (`exec.gate.protect.depth4.again` measures that); what the first one takes beyond "
    "it is some 25 cache lines of maps, mounts and namespaces, and the gate's own code, that the exec and the other work on "
    "this machine have pushed out of the caches. Plain loads are not in: the verifier of 5.10 removes the branch for "
    "newer kernels so slowly that an emulated guest was seen to hang. It takes a second object for newer kernels.")

LIMITS = {
    "exec.gate.unbound": (
        "One look-up of the ancestor cgroup that finds nothing, one of the configuration, a counter, and two reads for the "
        "pid namespace's level: five cache lines that the exec has pushed out, on a machine that others use."),
    "exec.gate.protect.depth4": _GATE,
    "exec.gate.monitor.depth4": "As in protect, above.",
    "exec.added.unbound": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.protect.depth4": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.monitor.depth4": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "mapd.memory.full": (
        "Up to 20 MB are pages of the program file; a policy of 10 executables takes 3.3 kB as parsed: strings, "
        "an array, and an entry in each of three dictionaries."),
    "hook.together.added.p99": (
        "All hooks wait for a processor behind hundreds of runc processes, and each for mapd twice: it is a matter of how "
        "many of them run at once, and not of what one does (see `mapd.bind`)."),
}

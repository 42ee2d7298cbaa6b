# SPDX-License-Identifier: Apache-2.0
"""What a figure that may miss its target is made of: shown beside it where it does."""

_GATE = (
    "`exec.gate.protect.depth4.again` is what the gate computes: about a hundred calls of `bpf_probe_read_kernel`, two "
    "lanes of SipHash for each component, four look-ups. The rest is memory: the exec itself, and whatever else runs on "
    "this machine, have pushed some 25 cache lines of maps, mounts and namespaces and the gate's own code out of the "
    "caches. Plain loads instead of the calls (`bpf_rdonly_cast`, Linux 6.2) were measured at 2.4 us where the calls took "
    "4.1, on the same execs; they are not in, because the verifier of 5.10 removes the branch that it does not need so "
    "slowly that an emulated guest was seen to hang. It takes a second object for newer kernels.")

LIMITS = {
    "exec.gate.unbound": (
        "One look-up of the ancestor cgroup that finds nothing, one of the configuration, a counter, and two reads for the "
        "pid namespace's level: five cache lines that the exec has pushed out, on a machine that others use."),
    "exec.gate.protect.depth4": _GATE,
    "exec.gate.monitor.depth4": _GATE,
    "exec.added.unbound": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.protect.depth4": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.monitor.depth4": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "memory.mapd.idle": (
        "2.7 MB are mapd's own memory. The rest are pages of its program file, which has Swift's runtime and Foundation "
        "linked into it: shared with the page cache, and given back when memory is short."),
    "mapd.memory.full": (
        "24 MB are pages of the program file, as when idle; a policy of 10 executables takes 3.3 kB as parsed: strings, "
        "an array, and an entry in each of three dictionaries."),
    "hook.together.added.p99": (
        "All hooks wait for a processor behind hundreds of runc processes, and each for mapd twice: it is a matter of how "
        "many of them run at once, and not of what one does (see `mapd.bind`)."),
}

# SPDX-License-Identifier: Apache-2.0
"""What a figure that may miss its target is made of: shown beside it where it does."""

_GATE = (
    "Memory. `exec.gate.protect.depth4.again` is what a second run of the gate in the same exec takes: all that it computes, "
    "SipHash of four names in two lanes and six look-ups included. What the first one takes beyond that is some 25 cache lines "
    "of maps, mounts and namespaces, their TLB entries in a virtual machine, and the gate's own code, which the exec has "
    "pushed out of the caches. A program that does nothing but read a path and look it up once "
    "(`baselines.time.inner38`, `baselines.time.programs1`) misses the target on this machine as well. Kernels before "
    "6.2, which have no plain loads for programs, take `exec.gate.protect.depth4.calls`.")

LIMITS = {
    "exec.gate.unbound": (
        "One look-up of the ancestor cgroup that finds nothing, one of the configuration, a counter, and two reads for the "
        "pid namespace's level: five cache lines that the exec has pushed out, on a machine that others use."),
    "exec.gate.protect.depth4": _GATE,
    "exec.gate.monitor.depth4": "As in protect, above.",
    "exec.added.unbound": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.protect.depth4": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.monitor.depth4": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "mapd.start.containers500": (
        "`mapd.start.empty` of it is the same start without a container: the kernel's verifier follows half a million "
        "instructions of the gate, which mapd loads to compare it with the one that is pinned. What is left is some 2 ms "
        "for a container: its record, its process, its cgroup and its mounts are read from disk and procfs. The gate "
        "judges meanwhile; hooks wait."),
    "mapd.start.policies10000": (
        "Each file is parsed by the YAML library, and each container's policies are found. Until commit 68fe8a4 the first "
        "was done on one processor, and the second by a look at every policy for every container."),
    "hook.ratio.oci-hook": (
        "Within its noise of the target. What the hook does beyond a program that does nothing: it reads and parses the "
        "state, asks over a socket, and takes four page faults more."),
    "hook.start.added.oci-hook": (
        "Two runs of the hook, each a process that the runtime starts (see `hook.start.added.nothing` and `hook.time`), and "
        "mapd's two answers, `mapd.bind.clients1` the longer one: cgroup, process and mount table are read as text, the "
        "record is encoded as JSON."),
    "mapd.memory.full": (
        "Up to 20 MB are pages of the program file; a policy of 10 executables takes 3.3 kB as parsed: strings, "
        "an array, and an entry in each of three dictionaries."),
    "hook.together.added.p99": (
        "All hooks wait for a processor behind hundreds of runc processes, and each for mapd twice: it is a matter of how "
        "many of them run at once, and not of what one does (see `mapd.bind`)."),
}

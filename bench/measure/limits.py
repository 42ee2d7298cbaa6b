# SPDX-License-Identifier: Apache-2.0
"""What a figure that may miss its target is made of: shown beside it where it does."""

_GATE = (
    "The gate's own code. `exec.gate.protect.depth4.again` is what a second run of it in the same exec takes: all that it "
    "computes, SipHash of four names in two lanes and four look-ups included. A copy of it that runs behind it "
    "(`exec.gate.protect.depth4.copy`) finds all data in the caches and takes as long as the first: it is instructions that the "
    "exec has pushed out, and branches that are foretold wrong for the first time, one at each plain load among them. "
    "Shorter code with more loops was measured to be slower. Programs that look up one path only are beside it "
    "(`baselines.time.inner38`, `baselines.time.programs1`). Kernels before 6.2, which have no plain loads for programs, take "
    "`exec.gate.protect.depth4.calls`.")

LIMITS = {
    "exec.gate.unbound": (
        "The configuration, the task's cgroup and its level, the pid namespace's level, and a counter: some six cache lines that "
        "the exec may have pushed out. Where the kernel puts the gate's code makes a difference of 0.1 us from load to load."),
    "exec.gate.protect.depth4": _GATE,
    "exec.gate.monitor.depth4": "As in protect, above.",
    "exec.added.unbound": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.protect.depth4": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.monitor.depth4": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "mapd.start.containers500": (
        "For each container its record, its process and its cgroup are read from disk and procfs, and its binding from the "
        "map. The gate judges meanwhile; hooks wait."),
    "mapd.start.policies10000": "Each file is parsed by the YAML library, on all processors.",
    "mapd.apply": (
        "By its profile a third is the YAML library's; the rest is the comparison with what is in force and a hundred "
        "updates of the map."),
    "hook.ratio.oci-hook": (
        "Within its noise of the target. What the hook does beyond a program that does nothing: it reads and parses the "
        "state, asks over a socket, and takes four page faults more."),
    "hook.start.added.oci-hook": (
        "A process that the runtime starts (`hook.start.added.nothing`), what the hook does beyond that (`hook.time`), and "
        "mapd's answer (`mapd.bind.clients1`): some ten turns between threads, which on an idle virtual machine are its "
        "larger half; cgroup, process and mount table are read as text, and the record is encoded as JSON. runc's own time "
        "varies by more: runs of one day gave 2.9, 3.6 and 5.4 ms."),
    "mapd.memory.full": "What it has more than `memory.mapd.idle` is nearly all policies as parsed: strings, arrays and dictionaries.",
    "hook.together.added.p99": (
        "The hooks come in bursts of hundreds, whenever the kernel's cgroup lock lets their runtimes go on; mapd then "
        "answers some 400 a second on processors that are full, and the last of a burst waits for all before it. A higher "
        "priority for mapd changes nothing that can be measured."),
}

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

_ADDED = (
    "What is executed does nothing, and is done in less time the faster the machine is: half a percent of `exec.whole` is some 2 us. "
    "A program that does nothing on the same tracepoint takes `exec.added.empty` of it, the gate itself `exec.gate.protect.depth4`; "
    "the rest is what the exec finds pushed out of its caches by the gate. Compare the noise, in the same table.")

LIMITS = {
    "exec.gate.unbound": (
        "The configuration, the task's cgroup and its level, the pid namespace's level, and a counter: some six cache lines that "
        "the exec may have pushed out, and what the kernel takes to find the gate's code. From load to load it differs by 0.1 us."),
    "exec.gate.protect.depth4": _GATE,
    "exec.gate.monitor.depth4": "As in protect, above.",
    "exec.added.unbound": "Compare its noise, in the same table: what the same execs differ by with the gate off.",
    "exec.added.protect.depth4": _ADDED,
    "exec.added.monitor.depth4": _ADDED,
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
        "mapd's answer (`mapd.bind.clients1`). runc's own time varies by more."),
    "mapd.memory.full": "What it has more than `memory.mapd.idle` is nearly all policies as parsed: strings, arrays and dictionaries.",
    "hook.together.added.p99": (
        "The hooks come in bursts of hundreds, whenever the kernel's cgroup lock lets their runtimes go on, on two processors that "
        "five hundred runtimes want. mapd's thread and the hooks come before those, and mapd needs 0.2 ms of a processor for "
        "each, more than half of it in the kernel: the last of a burst of three hundred waits for sixty. A hook that does nothing "
        "waits as long for its processor (`hook.together.nothing.p99`), and from crowd to crowd that differs by more than what "
        "is added: see the noise."),
}

// SPDX-License-Identifier: Apache-2.0
import Admission
import Control
import ControlMessages
import Enforcement
import Observation
import Shared

/// What a scrape tells. Labels are mapd's own words only: nothing that a workload or a policy names,
/// so the number of series does not depend on what the node runs.
public struct MetricsCollector: Sendable {
  let reporter: Reporter
  let registry: ContainerRegistry
  let gate: Gate
  let journal: EventJournal
  let hooks: HookStatistics
  let exporter: LogExporter
  /// By socket.
  let limits: KeyValuePairs<String, ConnectionLimit>

  public init(
    reporter: Reporter, registry: ContainerRegistry, gate: Gate, journal: EventJournal, hooks: HookStatistics,
    exporter: LogExporter, limits: KeyValuePairs<String, ConnectionLimit>
  ) {
    self.reporter = reporter
    self.registry = registry
    self.gate = gate
    self.journal = journal
    self.hooks = hooks
    self.exporter = exporter
    self.limits = limits
  }

  public func text() async -> String {
    let status = await reporter.status()
    var text = MetricsText()
    addGate(status, to: &text)
    addExecs(status, await journal.verdictCounts.counts, to: &text)
    addMaps(status, reports: await journal.verdictCounts.reports, to: &text)
    await addContainers(status, to: &text)
    addHooks(status, to: &text)
    addLosses(status, to: &text)
    text.family(
      "holdfast_connections_refused_total", .counter, "Connections that were closed because there were too many.",
      limits.map { (["socket": $0.key], Double($0.value.refused)) })
    exporter.addMetrics(to: &text)
    ProcessMetrics.add(to: &text)
    return text.text
  }

  private func addGate(_ status: StatusReport, to text: inout MetricsText) {
    text.single(
      "holdfast_gate_attached", .gauge, "1: the gate is attached and judges every exec; 0: nothing is enforced.",
      status.gateAttached ? 1 : 0)
    text.single(
      "holdfast_gate_degraded", .gauge, "1: the gate does less than it could on another kernel.",
      status.degraded == nil ? 0 : 1)
    text.family(
      "holdfast_gate_info", .gauge, "The attach point, and the layout of the pinned maps.",
      [(["attach_point": status.attachPoint, "layout": "\(status.layout)", "kernel": status.kernelRelease], 1)])
    text.family("holdfast_build_info", .gauge, "The release of mapd.", [(["version": status.version], 1)])
    if status.adopted, let adopted = Timestamp(iso8601: status.started) {
      text.single(
        "holdfast_gate_adopted_timestamp_seconds", .gauge,
        "When this mapd took over the pinned gate of an earlier one. Not there: it made its own.",
        Double(adopted.seconds))
    }
    let programs = gate.programs()
    text.single(
      "holdfast_gate_runs_counted", .gauge,
      "1: the kernel counts the runs of programs now, by kernel.bpf_stats_enabled.", ProgramUse.areRunsCounted ? 1 : 0)
    func each(_ name: String, _ help: String, _ value: (ProgramUse) -> Double) {
      text.family(name, .counter, help, programs.map { (["program": $0.name], value($0)) })
    }
    each("holdfast_gate_runs_total", "Runs of the program while runs are counted.") { Double($0.runs) }
    each("holdfast_gate_run_seconds_total", "Time of these runs; divided by them, the time of an exec's verdict.") {
      Double($0.nanoseconds) / 1e9
    }
    each("holdfast_gate_recursion_misses_total", "Execs that the kernel kept from the program, because it was running.")
    { Double($0.recursionMisses) }
  }

  private func addExecs(
    _ status: StatusReport, _ verdicts: [VerdictCounts.Kind: UInt64], to text: inout MetricsText
  ) {
    let outcomes = ["unbound", "runtime", "off", "allowed", "reported", "refused", "learned"]
    text.family(
      "holdfast_execs_total", .counter, "Execs that the gate has seen, by outcome; since the pins were made.",
      outcomes.map { (["outcome": $0], Double(status.counters[$0] ?? 0)) })
    let reasons = ReasonName.allCases.filter { $0 != .listed }
    text.family(
      "holdfast_reasons_total", .counter, "Execs that were not simply allowed, by reason; since the pins were made.",
      reasons.map { (["reason": $0.rawValue], Double(status.counters["reason.\($0.rawValue)"] ?? 0)) })
    let modes: [(VerdictName, ModeName)] = [(.learn, .learn), (.report, .monitor), (.refuse, .protect)]
    text.family(
      "holdfast_verdicts_total", .counter,
      "Execs that were not simply allowed, by mode and reason, as far as map reports had room; since mapd's start.",
      modes.flatMap { verdict, mode in
        reasons.map { reason in
          let kind = VerdictCounts.Kind(verdict: verdict.code, reason: reason.code)
          return (["mode": mode.rawValue, "reason": reason.rawValue], Double(verdicts[kind] ?? 0))
        }
      })
    text.single(
      "holdfast_seals_total", .counter, "Containers whose first exec the gate has seen.",
      Double(status.counters["sealed"] ?? 0))
  }

  private func addMaps(_ status: StatusReport, reports: Int, to text: inout MetricsText) {
    let fills: [(String, Int, Int)] = [
      ("bindings", status.bindings.used, status.bindings.maximum),
      ("rulesets", status.ruleSets.used, status.ruleSets.maximum), ("rules", status.rules.used, status.rules.maximum),
      ("reports", reports, gate.reports.maximum),
    ]
    text.family(
      "holdfast_map_entries", .gauge, "Entries of a map of the gate.", fills.map { (["map": $0.0], Double($0.1)) })
    text.family(
      "holdfast_map_entries_max", .gauge, "Entries that the map takes.", fills.map { (["map": $0.0], Double($0.2)) })
    text.family(
      "holdfast_map_memory_bytes", .gauge, "Kernel memory of a map, as the kernel accounts for it.",
      gate.mapMemory().sorted { $0.key < $1.key }.map { (["map": $0.key], Double($0.value)) })
  }

  private func addContainers(_ status: StatusReport, to text: inout MetricsText) async {
    let census = await registry.census()
    text.family(
      "holdfast_containers", .gauge, "Bound containers by the mode of their rule set.",
      ModeName.allCases.map { (["mode": $0.rawValue], Double(census.byMode[Int($0.code)] ?? 0)) })
    text.single(
      "holdfast_containers_unmanaged", .gauge, "Known containers that no policy is for.", Double(census.unmanaged))
    text.single("holdfast_policies", .gauge, "Policies in force.", Double(census.policies))
    text.single(
      "holdfast_policies_last_good", .gauge, "Policies of them whose file has become bad: its last good version.",
      Double(census.lastGood))
    text.single(
      "holdfast_policy_problems", .gauge, "Mistakes in policy files; see mapctl policies.",
      Double(status.policyProblems))
    text.single(
      "holdfast_rule_set_generations_total", .counter,
      "Generations of rule sets that were put in force, since mapd's start.", Double(gate.ruleSets.generationsCount))
    text.single(
      "holdfast_troubles", .gauge, "What is not as it should be on this node; see mapctl status.",
      Double(status.troubles?.count ?? 0))
  }

  private func addHooks(_ status: StatusReport, to text: inout MetricsText) {
    let hooks = hooks.current
    let phases: [Phase] = [.createRuntime, .poststart, .poststop]
    text.family(
      "holdfast_hook_requests_total", .counter, "Requests of hooks, by the answer.",
      phases.flatMap { phase in
        HookStatistics.outcomes.filter { $0.answers(phase) }.map { outcome in
          (["operation": "\(phase.name)", "outcome": "\(outcome.name)"], Double(hooks.answers[phase]?[outcome] ?? 0))
        }
      })
    text.histogram(
      "holdfast_hook_duration_seconds", "From a hook's whole request to the answer.",
      phases.map { (["operation": "\($0.name)"], hooks.durations[$0] ?? Histogram(bounds: HookStatistics.bounds)) })
    text.family(
      "holdfast_hook_rejections_total", .counter, "Connections to the hooks' socket without a request of root's.",
      [(["cause": "notUnderstood"], Double(hooks.notUnderstood)), (["cause": "foreign"], Double(hooks.foreign))])
    text.single(
      "holdfast_hook_open_failures_total", .counter,
      "Containers that a hook let start without an answer of mapd, as told since mapd's start.",
      Double(status.openFailures ?? 0))
  }

  private func addLosses(_ status: StatusReport, to text: inout MetricsText) {
    func count(_ name: String) -> Double { Double(status.counters[name] ?? 0) }
    text.family(
      "holdfast_losses_total", .counter,
      "What found no room: events, reports, records, lines. Verdicts are not affected.",
      [
        (["kind": "events"], Double(status.eventsLost)), (["kind": "reports"], count("reportsFull")),
        (["kind": "violationRecords"], count("violationsEvicted")), (["kind": "learning"], count("learningDropped")),
        (["kind": "logLines"], count("logLinesSuppressed")),
      ])
    text.family(
      "holdfast_map_full_total", .counter, "Containers or rules that a full map did not take, since mapd's start.",
      [(["map": "bindings"], count("bindingsFull")), (["map": "rules"], count("rulesFull"))])
    text.single(
      "holdfast_kill_failures_total", .counter,
      "Execs at the attach point kill whose process could not be killed.", count("killFailed"))
    text.single(
      "holdfast_path_keys_differing_total", .counter,
      "Events whose path has another key in mapd than in the gate, or was renamed in between.",
      count("pathKeysDiffering"))
  }
}

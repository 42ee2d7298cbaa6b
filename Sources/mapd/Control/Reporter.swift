// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Enforcement
import Glibc
import Learning
import Observation
import Policy

/// Answers the operator's questions from the registry and the gate.
public struct Reporter: Sendable {
  let registry: ContainerRegistry
  let gate: Gate
  let pump: EventPump
  let spool: Spool
  let journal: EventJournal
  let tracer: Tracer
  let violations: ViolationStore
  let learner: Learner
  let configuration: ConfigurationKeeper
  /// Records that the collector of log records will never get.
  let unsent: @Sendable () -> UInt64
  let version: String
  let started: Timestamp

  public init(
    registry: ContainerRegistry, gate: Gate, pump: EventPump, spool: Spool, journal: EventJournal, tracer: Tracer,
    violations: ViolationStore, learner: Learner, configuration: ConfigurationKeeper,
    unsent: @escaping @Sendable () -> UInt64, version: String
  ) {
    self.registry = registry
    self.gate = gate
    self.pump = pump
    self.spool = spool
    self.journal = journal
    self.tracer = tracer
    self.violations = violations
    self.learner = learner
    self.configuration = configuration
    self.unsent = unsent
    self.version = version
    started = .now
  }

  public func status() async -> StatusReport {
    let problems = await registry.policies.problems.count
    let fill = await registry.fill()
    var counters: [String: UInt64] = [:]
    for index in 0..<Counters.count {
      if let name = CounterName.name(index: Int(index)) { counters[name] = gate.counters[index] }
    }
    counters["tracesLost", default: 0] +=
      pump.tracesDropped.load(ordering: .relaxed) + tracer.dropped.load(ordering: .relaxed)
    counters["pathKeysCompared"] = pump.compared.load(ordering: .relaxed)
    counters["pathKeysDiffering"] = pump.disagreements.load(ordering: .relaxed)
    let trouble = await registry.troubles()
    counters["bindingsFull"] = trouble.bindingsFull
    counters["rulesFull"] = trouble.rulesFull
    let unanswered = await spool.count
    counters["logLinesSuppressed"] = await journal.suppressed
    counters["reportsUnnamed"] = UInt64(await violations.unnamed)
    counters["violationsEvicted"] = await violations.evicted
    counters["logRecordsUnsent"] = unsent()
    counters["learningDropped"] = await learner.dropped
    return StatusReport(
      version: version, kernelRelease: gate.features.release, gateAttached: gate.attachPoint != nil,
      attachPoint: gate.attachPoint?.rawValue ?? "none",
      degraded: gate.attachPoint.map(\.degraded) ?? "no program is attached: nothing is enforced",
      notUsed: gate.refusals.map { .init(attach: $0.attach.rawValue, reason: $0.reason) },
      layout: gate.layout, pid: Int(getpid()), started: started.iso8601, adopted: gate.adopted,
      lsmList: gate.features.lsmList, bpffsPath: gate.pinDirectory,
      bindings: .init(used: fill.bindings, maximum: gate.bindings.maximum),
      ruleSets: .init(used: fill.ruleSets, maximum: gate.ruleSets.maximum),
      rules: .init(used: fill.rules, maximum: gate.ruleSets.rulesMaximum),
      counters: counters, policyProblems: problems, troubles: trouble.sentences + (await configuration.troubles),
      openFailures: unanswered.open, lastOpenFailure: unanswered.last,
      eventsLost: gate.counters.eventsLost + pump.dropped.load(ordering: .relaxed))
  }

  public func containers() async -> [ContainerReport] {
    await registry.boundContainers().map { entry in
      let record = entry.record
      let bound = record.bound!
      return ContainerReport(
        id: record.identity.id, name: record.identity.name, pod: record.identity.pod,
        namespace: record.identity.namespace, pid: Int(record.pid), cgroupPath: record.cgroup.path,
        cgroupID: record.cgroup.id, policies: bound.policies, mode: ModeName.name(code: UInt32(entry.mode.rawValue)),
        ruleSetID: entry.ruleSet, generation: entry.generation, rulesCount: entry.rulesCount,
        attach: gate.attachPoint?.rawValue ?? "none",
        boundSince: Timestamp(seconds: bound.since, nanoseconds: bound.sinceNanoseconds).iso8601,
        sealed: entry.isSealed, state: record.hasStarted ? "running" : "starting",
        resolvedLinks: bound.links.map { .init(listed: $0.listed, resolved: $0.resolved) })
    }
  }

  public func policies() async -> [PolicyReport] {
    let set = await registry.policies
    let bound = await registry.boundContainers().flatMap { $0.record.bound!.policies }
    let problems = Dictionary(grouping: set.problems, by: \.file)
    var reportedFiles = Set<String>()
    func report(_ placed: PlacedPolicy, _ state: PolicyReport.State) -> PolicyReport {
      let policy = placed.policy
      let isFirst = reportedFiles.insert(placed.file).inserted
      return PolicyReport(
        namespace: policy.name.namespace, name: policy.name.name, mode: policy.mode.rawValue, state: state,
        file: placed.file,
        containers: policy.rulesByContainer.sorted { $0.key < $1.key }.map {
          .init(name: $0.key, rulesCount: $0.value.allowed.count)
        },
        boundContainersCount: bound.count { $0 == policy.name.description },
        problems: isFirst ? Self.problems(problems[placed.file] ?? []) : [])
    }
    var reports = set.policies.map { report($0, $0.isLastGood ? .lastGood : .inForce) }
    reports += set.proposals.map { report($0, .proposal) }
    for file in problems.keys.sorted() where !reportedFiles.contains(file) {
      reports.append(
        PolicyReport(
          namespace: nil, name: nil, mode: nil, state: .refused, file: file,
          problems: Self.problems(problems[file]!)))
    }
    return reports
  }

  private static func problems(_ problems: [PolicyProblem]) -> [PolicyReport.Problem] {
    problems.map {
      .init(file: $0.file, line: $0.line, column: $0.column, field: $0.field, message: $0.message)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Enforcement
import Glibc

/// What is told of each learned executable: Learning takes it from here.
public protocol LearningRecorder: Sendable {
  /// - Parameter count: how often so far in the kernel; 0: not counted there.
  func learned(_ event: GateEvent, of container: ContainerRecord, count: UInt64, process: ProcessDetails?) async
  /// The kernel's counts as they are now.
  func counted(_ counts: [(ReportKey, UInt64)]) async
  /// No event of these comes in any more.
  func forget(_ keys: [ReportKey]) async
}

/// The reports of the gate, made readable: who, what, why, how often. Remembers the latest,
/// writes each as a line, hands them to those who follow, and to the violations on record.
public actor EventJournal {
  /// Kept for `mapctl events`; the oldest go first.
  public static let kept = 4096
  /// A follower that reads too slowly loses the oldest of these.
  static let followerBacklog = 1024

  private struct Known {
    var event: ViolationEvent
    var executable: [UInt8]
    var repeats: Repeats
    /// The count that was told last.
    var told: UInt64
  }

  private let registry: ContainerRegistry
  private let gate: Gate
  private let violations: ViolationStore
  private let learning: (any LearningRecorder)?
  private let output: Int32
  /// Told of each that is published; must not wait.
  private let observe: @Sendable (ViolationEvent) -> Void
  private var limit = LogLimit()
  /// Up to twice as many as are kept.
  private var recent: [ViolationEvent] = []
  /// The last event of each report and the count told with it. At most the map's entries.
  private var known: [ReportKey: Known] = [:]
  private var finals = FinalCounts()
  private var verdicts = VerdictCounts()
  private var followers: [Int: AsyncStream<ViolationEvent>.Continuation] = [:]
  private var nextFollower = 0
  private let memory: ReportMemory?
  private let marks: ReadingMarks
  /// Reports that were counted, but whose event nobody has seen, when this was looked at last; the mark
  /// that was asked for then, and the latest that has come.
  private var unseen: (reports: Set<ReportKey>, mark: UInt64) = ([], 0)
  private var read: UInt64 = 0

  /// - Parameters:
  ///   - output: descriptor for the event log, a JSON line each.
  ///   - marks: of the pump.
  ///   - memory: file of what has been told, for the mapd after this one.
  public init(
    registry: ContainerRegistry, gate: Gate, violations: ViolationStore, learning: (any LearningRecorder)?,
    output: Int32, marks: ReadingMarks, memory: String? = nil,
    observe: @escaping @Sendable (ViolationEvent) -> Void = { _ in }
  ) {
    self.registry = registry
    self.gate = gate
    self.violations = violations
    self.learning = learning
    self.output = output
    self.marks = marks
    self.observe = observe
    self.memory = memory.map(ReportMemory.init)
    let present = Set(gate.reports.counts().map(\.0))
    let now = Timestamp.now.seconds
    for entry in self.memory?.load() ?? [] {
      recent.append(entry.event)
      guard present.contains(entry.key) else { continue }
      known[entry.key] = Known(
        event: entry.event, executable: Array(entry.event.executable.utf8), repeats: Repeats(now: now),
        told: entry.event.count)
      verdicts.begin(entry.key, at: entry.event.count)
    }
    recent.removeFirst(max(0, recent.count - Self.kept))
  }

  /// What the kernel has counted since mapd's start, by verdict and reason; a second old.
  public var verdictCounts: (counts: [VerdictCounts.Kind: UInt64], reports: Int) { (verdicts.counts, verdicts.reports) }

  /// Lines that were not written because there were too many in their second.
  public var suppressed: UInt64 { limit.suppressed }

  public func receive(_ event: GateEvent, _ process: ProcessDetails?) async {
    let record = registry.container(of: event.cgroup, binding: event.binding)
    let kernel = gate.reports.count(event.key)
    // 0: the map was full, or the container went in the meantime.
    let counted = kernel > 0 ? kernel : finals[event.key] ?? 0
    let told = known[event.key]
    var violation = ViolationEvent(event, of: record, process)
    violation.count = counted > 0 ? counted : (told?.event.count ?? 0) + 1
    if event.key.verdict == VerdictName.learn.code {
      if let record { await learning?.learned(event, of: record, count: counted, process: process) }
    } else {
      await violations.observe(violation, executable: event.path, key: event.key, count: counted)
    }
    let now = Timestamp.now.seconds
    var repeats = told?.repeats ?? Repeats(now: now)
    // Where the kernel cannot count, each occurrence is an event: told as repeats are.
    let isTold = told == nil || counted > 0 || repeats.isDue(now)
    if told != nil || known.count < gate.reports.maximum {
      known[event.key] = Known(
        event: violation, executable: event.path, repeats: repeats,
        told: isTold ? violation.count : told?.told ?? 0)
    }
    if isTold { publish(violation, event.key) }
  }

  /// Counts the repeats since the last call, and tells those that are due.
  /// - Parameter ended: containers that are gone: their counts are final.
  public func tellRepeats(_ ended: Set<CgroupKey>) async {
    let now = Timestamp.now
    let counts = gate.reports.counts()
    verdicts.advance(counts)
    // Before anything else can come in between.
    let repeated = counts.compactMap { key, count in repeatOf(key, count, now, isFinal: ended.contains(key.cgroup)) }
    let forgotten = finals.add(counts.filter { ended.contains($0.0.cgroup) }, maximum: gate.reports.maximum)
    for key in forgotten { known[key] = nil }
    for one in repeated where one.key.verdict != VerdictName.learn.code {
      await violations.observe(one.event, executable: one.executable, key: one.key, count: one.event.count)
    }
    await violations.advance(counts, time: now.iso8601)
    await learning?.counted(counts)
    await tellUnseen(counts)
    memory?.compact(known.mapValues(\.event))
    guard !forgotten.isEmpty else { return }
    await violations.forget(forgotten)
    await learning?.forget(forgotten)
  }

  /// A report that happened again: its latest event with the new count.
  /// - Parameter isFinal: there is no later time to tell it.
  private func repeatOf(
    _ key: ReportKey, _ count: UInt64, _ now: Timestamp, isFinal: Bool
  ) -> (key: ReportKey, event: ViolationEvent, executable: [UInt8])? {
    guard var entry = known[key], count > entry.told else { return nil }
    let isNew = count > entry.event.count
    if isNew { (entry.event.count, entry.event.time) = (count, now.iso8601) }
    let isDue = entry.repeats.isDue(now.seconds)
    if isDue || isFinal {
      entry.told = count
      publish(entry.event, key)
    }
    known[key] = entry
    return isNew ? (key, entry.event, entry.executable) : nil
  }

  /// Reports whose event is not on its way any more: the ring was full, or a mapd took it and
  /// was killed. Seen without one twice, and all that was in the ring the first time has been read: on
  /// a busy node that takes longer than it is from one look to the next.
  private func tellUnseen(_ counts: [(ReportKey, UInt64)]) async {
    guard unseen.reports.isEmpty || read >= unseen.mark else { return }
    let nameless = counts.filter { known[$0.0] == nil && finals[$0.0] == nil }
    for (key, count) in nameless where unseen.reports.contains(key) { await tellUnseen(key, count) }
    unseen = (Set(nameless.map(\.0)), nameless.isEmpty ? 0 : marks.ask())
  }

  /// What was in the ring buffer when `mark` was asked for has come in.
  func hasRead(_ mark: UInt64) { read = mark }

  /// What of a lost event its count alone tells.
  private func tellUnseen(_ key: ReportKey, _ count: UInt64) async {
    let record = registry.container(of: key.cgroup)
    // Its event may have come in meanwhile.
    guard known[key] == nil, known.count < gate.reports.maximum else { return }
    let now = Timestamp.now
    let violation = ViolationEvent(
      time: now.iso8601, policy: record?.bound?.policies ?? [], containerID: record?.identity.id ?? "",
      container: record?.identity.name ?? "", pod: record?.identity.pod, namespace: record?.identity.namespace ?? "",
      executable: Self.unknownExecutable, pid: 0, ppid: 0, uid: 0, comm: "",
      mode: ModeName.name(code: record.map { UInt32($0.bound?.mode ?? 0) } ?? 0),
      verdict: VerdictName.name(code: key.verdict), reason: ReasonName.name(code: key.reason),
      attach: gate.attachPoint?.rawValue ?? "none", count: count, generation: 0, interpreter: false,
      unlistable: "its event was lost, and its path with it")
    known[key] = Known(
      event: violation, executable: Array(Self.unknownExecutable.utf8), repeats: Repeats(now: now.seconds), told: count)
    publish(violation, key)
  }

  /// Stands for a path that was in a lost event. No path begins so.
  public static let unknownExecutable = "(unknown: its event was lost)"

  /// The latest, oldest first.
  public func latest(_ limit: Int?) -> [ViolationEvent] {
    Array(recent.suffix(min(limit ?? Self.kept, Self.kept)))
  }

  /// The latest and everything after, without a gap between.
  public func follow(_ limit: Int?) -> (past: [ViolationEvent], stream: AsyncStream<ViolationEvent>) {
    let id = nextFollower
    nextFollower += 1
    let (stream, continuation) = AsyncStream.makeStream(
      of: ViolationEvent.self, bufferingPolicy: .bufferingNewest(Self.followerBacklog))
    followers[id] = continuation
    continuation.onTermination = { [weak self] _ in
      guard let self else { return }
      Task { await self.unfollow(id) }
    }
    return (latest(limit), stream)
  }

  private func unfollow(_ id: Int) { followers[id] = nil }

  private func publish(_ violation: ViolationEvent, _ key: ReportKey) {
    memory?.append(ReportMemory.Entry(key: key, event: violation))
    recent.append(violation)
    // In one go: each time moves all of them.
    if recent.count >= 2 * Self.kept { recent.removeFirst(recent.count - Self.kept) }
    for continuation in followers.values { continuation.yield(violation) }
    observe(violation)
    guard limit.takes(Timestamp.now.seconds) else { return }
    if let line = try? ControlCoding.line(violation) { writeWhole(line, to: output) }
  }
}

extension ViolationEvent {
  /// - Parameter record: nil when nobody knows the container any more.
  init(_ event: GateEvent, of record: ContainerRecord?, _ process: ProcessDetails?) {
    let text = String(validating: event.path, as: UTF8.self)
    let unlistable =
      !event.hasWholePath
      ? "its path is longer than an event can tell" : text == nil ? "its path is not UTF-8" : nil
    self.init(
      time: Timestamp(monotonic: event.time).iso8601, policy: record?.bound?.policies ?? [],
      containerID: record?.identity.id ?? "", container: record?.identity.name ?? "",
      pod: record?.identity.pod, namespace: record?.identity.namespace ?? "",
      executable: text ?? String(decoding: event.path, as: UTF8.self), pid: Int(event.pid), ppid: Int(event.ppid),
      uid: Int(event.uid), comm: String(decoding: event.comm, as: UTF8.self),
      mode: ModeName.name(code: event.mode), verdict: VerdictName.name(code: event.key.verdict),
      reason: ReasonName.name(code: event.key.reason), attach: AttachName.name(code: event.attach), count: 1,
      generation: event.generation, interpreter: event.isInterpreter, process: process, unlistable: unlistable)
  }
}

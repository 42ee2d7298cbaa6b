// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Enforcement
import Glibc

/// The reports of the gate, made readable: who, what, why, how often. Remembers the latest,
/// writes each as a line, and hands them to those who follow.
public actor EventJournal {
  /// Kept for `mapctl events`; the oldest go first.
  public static let kept = 4096
  /// A follower that reads too slowly loses the oldest of these.
  static let followerBacklog = 1024

  private let registry: ContainerRegistry
  private let gate: Gate
  private let output: Int32
  private var recent: [ViolationEvent] = []
  /// The last event of each report and the count told with it. At most the map's entries.
  private var known: [ReportKey: ViolationEvent] = [:]
  private var followers: [Int: AsyncStream<ViolationEvent>.Continuation] = [:]
  private var nextFollower = 0
  private let memory: ReportMemory?
  /// Reports that were counted, but whose event nobody has seen, when repeats were told last.
  private var unseen = Set<ReportKey>()

  /// - Parameters:
  ///   - output: descriptor for the event log, a JSON line each.
  ///   - memory: file of what has been told, for the mapd after this one.
  public init(registry: ContainerRegistry, gate: Gate, output: Int32, memory: String? = nil) {
    self.registry = registry
    self.gate = gate
    self.output = output
    self.memory = memory.map(ReportMemory.init)
    for entry in self.memory?.load() ?? [] {
      known[entry.key] = entry.event
      recent.append(entry.event)
    }
    recent.removeFirst(max(0, recent.count - Self.kept))
  }

  public func receive(_ event: GateEvent) async {
    let record = await registry.container(of: event.cgroup, binding: event.binding)
    let count = max(1, gate.reports.count(event.key))
    let violation = ViolationEvent(
      time: Timestamp(monotonic: event.time).iso8601, policy: record?.bound?.policies ?? [],
      containerID: record?.identity.id ?? "", container: record?.identity.name ?? "",
      pod: record?.identity.pod, namespace: record?.identity.namespace ?? "",
      executable: String(decoding: event.path, as: UTF8.self), pid: Int(event.pid), ppid: Int(event.ppid),
      uid: Int(event.uid), comm: String(decoding: event.comm, as: UTF8.self),
      mode: ModeName.name(code: event.mode), verdict: VerdictName.name(code: event.key.verdict),
      reason: ReasonName.name(code: event.key.reason), attach: AttachName.name(code: event.attach), count: count,
      generation: event.generation, interpreter: event.isInterpreter)
    if known.count < gate.reports.maximum { known[event.key] = violation }
    publish(violation, event.key)
  }

  /// Tells the repeats since the last call: one line for each report that went on.
  public func tellRepeats() async {
    var unseenNow = Set<ReportKey>()
    var present = Set<ReportKey>()
    for (key, count) in gate.reports.counts() {
      present.insert(key)
      guard var violation = known[key] else {
        // Not on its way any more: the ring was full, or a mapd took it and was killed.
        if unseen.contains(key) { await tellUnseen(key, count) } else { unseenNow.insert(key) }
        continue
      }
      guard count > violation.count else { continue }
      violation.count = count
      violation.time = Timestamp.now.iso8601
      known[key] = violation
      publish(violation, key)
    }
    known = known.filter { present.contains($0.key) }
    unseen = unseenNow
    memory?.compact(known)
  }

  /// A report whose event is lost: what of it the counts alone tell.
  private func tellUnseen(_ key: ReportKey, _ count: UInt64) async {
    let record = await registry.container(of: key.cgroup)
    // Its event may have come in meanwhile.
    guard known[key] == nil, known.count < gate.reports.maximum else { return }
    let violation = ViolationEvent(
      time: Timestamp.now.iso8601, policy: record?.bound?.policies ?? [], containerID: record?.identity.id ?? "",
      container: record?.identity.name ?? "", pod: record?.identity.pod, namespace: record?.identity.namespace ?? "",
      executable: Self.unknownExecutable, pid: 0, ppid: 0, uid: 0, comm: "",
      mode: ModeName.name(code: record.map { UInt32($0.bound?.mode ?? 0) } ?? 0),
      verdict: VerdictName.name(code: key.verdict), reason: ReasonName.name(code: key.reason),
      attach: gate.attachPoint?.rawValue ?? "none", count: count, generation: 0, interpreter: false)
    known[key] = violation
    publish(violation, key)
  }

  /// Stands for a path that was in a lost event. No path begins so.
  public static let unknownExecutable = "(unknown: its event was lost)"

  /// The latest, oldest first.
  public func latest(_ limit: Int?) -> [ViolationEvent] {
    limit.map { Array(recent.suffix($0)) } ?? recent
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
    if recent.count > Self.kept { recent.removeFirst(recent.count - Self.kept) }
    for continuation in followers.values { continuation.yield(violation) }
    if let line = try? ControlCoding.line(violation) { writeWhole(line, to: output) }
  }
}

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

  /// - Parameter output: descriptor for the event log, a JSON line each.
  public init(registry: ContainerRegistry, gate: Gate, output: Int32) {
    self.registry = registry
    self.gate = gate
    self.output = output
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
    publish(violation)
  }

  /// Tells the repeats since the last call: one line for each report that went on.
  public func tellRepeats() {
    var present = Set<ReportKey>()
    for (key, count) in gate.reports.counts() {
      present.insert(key)
      guard var violation = known[key], count > violation.count else { continue }
      violation.count = count
      violation.time = Timestamp.now.iso8601
      known[key] = violation
      publish(violation)
    }
    known = known.filter { present.contains($0.key) }
  }

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

  private func publish(_ violation: ViolationEvent) {
    recent.append(violation)
    if recent.count > Self.kept { recent.removeFirst(recent.count - Self.kept) }
    for continuation in followers.values { continuation.yield(violation) }
    if let line = try? ControlCoding.line(violation) { writeWhole(line, to: output) }
  }
}

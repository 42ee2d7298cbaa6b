// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Enforcement
import Synchronization

/// Has the gate tell of every exec of a container, allowed ones too, while somebody follows.
/// Nothing of it is kept or counted. At the limits lines are lost, and counted: half of the ring
/// buffer is left for reports, and a follower that reads too slowly misses the newest.
public actor Tracer {
  static let backlog = 4096

  private struct Follower {
    var container: ContainerRecord?
    var continuation: AsyncStream<ViolationEvent>.Continuation
  }

  private let registry: ContainerRegistry
  private let gate: Gate
  private var followers: [Int: Follower] = [:]
  private var next = 0
  /// Lines that a follower did not take in time.
  public nonisolated let dropped = Atomic<UInt64>(0)

  public init(registry: ContainerRegistry, gate: Gate) {
    self.registry = registry
    self.gate = gate
  }

  /// - Parameter container: bound; nil: all.
  public func follow(_ container: ContainerRecord?) -> AsyncStream<ViolationEvent> {
    let id = next
    next += 1
    let (stream, continuation) = AsyncStream.makeStream(
      of: ViolationEvent.self, bufferingPolicy: .bufferingOldest(Self.backlog))
    followers[id] = Follower(container: container, continuation: continuation)
    continuation.onTermination = { [weak self] _ in
      guard let self else { return }
      Task { await self.unfollow(id) }
    }
    tellGate()
    return stream
  }

  private func unfollow(_ id: Int) {
    followers[id] = nil
    tellGate()
  }

  private func tellGate() {
    let bindings = Set(followers.values.map { $0.container?.bound?.binding })
    switch (bindings.count, bindings.first) {
    case (0, _): gate.trace(.nothing)
    case (1, .some(.some(let binding))): gate.trace(.binding(binding))
    default: gate.trace(.all)
    }
  }

  func receive(_ event: GateEvent, _ process: ProcessDetails?) async {
    let record = registry.container(of: event.cgroup, binding: event.binding)
    let line = ViolationEvent(event, of: record, process)
    for follower in followers.values {
      // By the container: a binding's number is given to another one later.
      if let container = follower.container, container.identity.id != record?.identity.id { continue }
      if case .dropped = follower.continuation.yield(line) { dropped.add(1, ordering: .relaxed) }
    }
  }
}

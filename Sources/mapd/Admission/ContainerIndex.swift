// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Synchronization

/// The containers by id, by binding and by cgroup, and those that are gone since. The registry changes
/// it before the gate can report by the change; who tells of events looks here, without a turn to
/// the registry's thread for each.
final class ContainerIndex: Sendable {
  private struct State {
    var byID: [String: ContainerRecord] = [:]
    var byBinding: [UInt32: String] = [:]
    /// More than one where containers without a policy share a cgroup.
    var byCgroup: [CgroupKey: Set<String>] = [:]
    /// Containers that are gone, by cgroup: reports may still come in for them.
    var departed: [CgroupKey: ContainerRecord] = [:]
    var departedOrder: [CgroupKey] = []
  }

  private static let departedMax = 1024
  private let state = Mutex(State())

  func record(_ id: String) -> ContainerRecord? { state.withLock { $0.byID[id] } }
  var records: [String: ContainerRecord] { state.withLock { $0.byID } }

  /// nil: it is not known any more.
  func put(_ id: String, _ record: ContainerRecord?) {
    state.withLock { state in
      if let old = state.byID[id] {
        if let bound = old.bound, state.byBinding[bound.binding] == id { state.byBinding[bound.binding] = nil }
        state.byCgroup[old.cgroup.key]?.remove(id)
        if state.byCgroup[old.cgroup.key]?.isEmpty == true { state.byCgroup[old.cgroup.key] = nil }
      }
      state.byID[id] = record
      guard let record else { return }
      if let bound = record.bound { state.byBinding[bound.binding] = id }
      state.byCgroup[record.cgroup.key, default: []].insert(id)
    }
  }

  /// Reports of a container may come in after it is gone. The last 1,024 are remembered.
  func depart(_ record: ContainerRecord) {
    state.withLock { state in
      if state.departed.updateValue(record, forKey: record.cgroup.key) == nil {
        state.departedOrder.append(record.cgroup.key)
      }
      guard state.departedOrder.count >= 2 * Self.departedMax else { return }
      let past = state.departedOrder.prefix(state.departedOrder.count - Self.departedMax)
      for cgroup in past { state.departed[cgroup] = nil }
      state.departedOrder.removeFirst(past.count)
    }
  }

  func isKnown(_ cgroup: CgroupKey) -> Bool { state.withLock { $0.byCgroup[cgroup] != nil } }

  /// Also one that is gone since; for a report without its event.
  func container(of cgroup: CgroupKey) -> ContainerRecord? {
    state.withLock { state in
      state.byCgroup[cgroup]?.min().flatMap { state.byID[$0] } ?? state.departed[cgroup]
    }
  }

  /// Also one that is gone since.
  func container(of cgroup: CgroupKey, binding: UInt32) -> ContainerRecord? {
    state.withLock { state in
      if let id = state.byBinding[binding], let record = state.byID[id], record.cgroup.key == cgroup { return record }
      return state.departed[cgroup]
    }
  }
}

extension ContainerRegistry {
  /// All containers that are known, by id.
  var records: [String: ContainerRecord] { index.records }

  /// The container of a cgroup, also when it is gone since; for a report without its event.
  public nonisolated func container(of cgroup: CgroupKey) -> ContainerRecord? { index.container(of: cgroup) }

  /// The container of a cgroup, also when it is gone since.
  public nonisolated func container(of cgroup: CgroupKey, binding: UInt32) -> ContainerRecord? {
    index.container(of: cgroup, binding: binding)
  }
}

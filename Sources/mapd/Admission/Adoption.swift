// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Policy

extension ContainerRegistry {
  /// After a start: the records of the mapd before are matched with what the gate holds.
  /// Nothing that is bound is let go of but what is certainly gone.
  public func adopt() {
    let (found, problems) = store.load()
    for problem in problems { log.error("\(problem)") }
    for var record in found {
      guard !hasEnded(record) else {
        forget(record)
        continue
      }
      if let bound = record.bound {
        gate.bindings.recall(record.cgroup.key, level: record.cgroup.level)
        if gate.bindings.id(of: record.cgroup.key) == bound.binding {
          record.bound?.ruleSet = gate.bindings.ruleSet(of: bound.binding)
          gate.ruleSets.recall(bound.content, as: gate.bindings.ruleSet(of: bound.binding))
        } else {
          log.warning("the binding is gone from the maps", metadata: ["container": "\(record.identity.id)"])
          record.bound = nil
        }
      }
      index.put(record.identity.id, record)
    }
    let bound = records.values.filter { $0.bound != nil }
    let known = Set(bound.map(\.cgroup.key))
    for cgroup in gate.bindings.keys where !known.contains(cgroup) {
      if hasEnded(gate.bindings.owner(of: cgroup)) {
        gate.bindings.unbind(cgroup)
        log.warning(
          "a binding without a record was removed: its container ended", metadata: ["cgroup": "\(cgroup.id)"])
        continue
      }
      log.warning(
        "a binding without a record stays in force as it is",
        metadata: ["cgroup": "\(cgroup.id)", "binding": "\(gate.bindings.id(of: cgroup) ?? 0)"])
    }
    // What a mapd before left behind on its way.
    let used = Set(gate.bindings.keys.compactMap { gate.bindings.id(of: $0).map(gate.bindings.ruleSet) })
    for ruleSet in gate.ruleSets.ids where !used.contains(ruleSet) { gate.ruleSets.remove(ruleSet) }
    log.info(
      "containers adopted",
      metadata: ["known": "\(records.count)", "bound": "\(bound.count)"])
    apply(policies)
    // Every container that can be is under the new gate now.
    for problem in gate.detachPredecessors() {
      log.error("not carried over from the gate before", metadata: ["reason": "\(problem)"])
    }
  }

  /// Containers that ended without poststop: their cgroup is gone. Call it now and then.
  public func sweep() {
    for id in records.filter({ hasEnded($0.value) }).keys.sorted() { remove(id) }
    gate.ruleSets.collect()
    keepPinned()
  }

  /// Neither its cgroup nor its init is there. A workload can remove its own cgroup, and must
  /// not get rid of its binding by that.
  private func hasEnded(_ record: ContainerRecord) -> Bool {
    record.cgroup.isGone && !isAlive(record)
  }

  /// With the init of its own pid namespace all of a container has ended.
  private func hasEnded(_ owner: BindingTable.Owner?) -> Bool {
    guard let owner, let ticks = owner.initStartTicks else { return false }
    return !proc.isAlive(owner.initPid, since: ticks)
  }

  private func forget(_ record: ContainerRecord) {
    gate.bindings.unbind(record.cgroup.key)
    // For the counts that nobody has told yet.
    index.depart(record)
    ended.insert(record.cgroup.key)
    store.remove(record.identity.id)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Enforcement

extension ContainerRegistry {
  /// A bound container with what the maps say of it.
  public struct BoundContainer: Sendable {
    public var record: ContainerRecord
    public var mode: Mode
    public var ruleSet: UInt32
    public var generation: UInt32
    public var rulesCount: Int
    public var isSealed: Bool
  }

  /// Sorted by namespace, pod, name and id.
  public func boundContainers() -> [BoundContainer] {
    let bound = records.values.filter { $0.bound != nil }.sorted {
      ($0.identity.namespace, $0.identity.pod ?? "", $0.identity.name, $0.identity.id)
        < ($1.identity.namespace, $1.identity.pod ?? "", $1.identity.name, $1.identity.id)
    }
    return bound.map { record in
      let ruleSet = gate.bindings.ruleSet(of: record.bound!.binding)
      return BoundContainer(
        record: record, mode: gate.ruleSets.mode(of: ruleSet), ruleSet: ruleSet,
        generation: gate.ruleSets.generation(of: ruleSet) ?? 0, rulesCount: gate.ruleSets.rulesCount(of: ruleSet),
        isSealed: gate.bindings.isSealed(record.cgroup.key))
    }
  }

  /// Entries of the maps.
  public func fill() -> (bindings: Int, ruleSets: Int, rules: Int) {
    (gate.bindings.count, gate.ruleSets.count, gate.ruleSets.rulesCount)
  }

  /// How many there are, without a look at each one's rules.
  public struct Census: Sendable {
    /// Bound containers by the number of their mode, HF_MODE_*.
    public var byMode: [Int: Int] = [:]
    public var unmanaged = 0
    public var policies = 0
    public var lastGood = 0
  }

  public func census() -> Census {
    var census = Census()
    for record in records.values {
      if let bound = record.bound {
        census.byMode[Int(gate.ruleSets.mode(of: gate.bindings.ruleSet(of: bound.binding)).rawValue), default: 0] += 1
      } else {
        census.unmanaged += 1
      }
    }
    census.policies = policies.policies.count
    census.lastGood = policies.policies.count { $0.isLastGood }
    return census
  }
}

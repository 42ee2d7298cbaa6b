// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Policy

/// Something in which policies, mapd's memory and the kernel's maps do not agree.
public struct Difference: Sendable, Equatable {
  public var place: String
  public var message: String
}

extension ContainerRegistry {
  public struct Verified: Sendable {
    public var containers = 0
    public var ruleSets = 0
    public var rules = 0
    public var differences: [Difference] = []
  }

  /// Holds the policies against what is known of each container, and that against the kernel.
  public func verify() -> Verified {
    let dump = gate.ruleSets.allRules()
    let inKernel = gate.bindings.keysInKernel()
    let valid = gate.ruleSets.validInKernel()
    var verified = Verified(containers: records.count, ruleSets: valid.count, rules: dump.count)
    func differ(_ place: String, _ message: String) {
      verified.differences.append(Difference(place: place, message: message))
    }
    for id in records.keys.sorted() {
      let record = records[id]!
      for message in policyDifferences(record) + kernelDifferences(record, dump) { differ(id, message) }
    }
    let bound = records.values.filter { $0.bound != nil }
    let known = Set(bound.map(\.cgroup.key))
    for cgroup in inKernel where !known.contains(cgroup) {
      differ("map bindings", "cgroup \(cgroup.id) is bound, and no container is known for it")
    }
    let used = Set(inKernel.compactMap { gate.bindings.id(of: $0).map(gate.bindings.ruleSet) })
    for ruleSet in valid where !used.contains(ruleSet) {
      differ("map rulesets", "rule set \(ruleSet) is valid, and no binding is assigned to it")
    }
    for ruleSet in dump.ruleSets {
      let others = dump.others(ruleSet, than: gate.ruleSets.generation(of: ruleSet))
      if others > 0 {
        differ("map rules", "\(others) rules of rule set \(ruleSet) are of a generation that is not in force")
      }
    }
    return verified
  }

  /// The policies as they are now against what the container was given.
  private func policyDifferences(_ record: ContainerRecord) -> [String] {
    let policy = policies.effective(for: record.identity.workload)
    guard let bound = record.bound else {
      guard let policy, !policy.policies.isEmpty, isAlive(record) else { return [] }
      return ["it is not bound, and \(policy.policies.map(\.description).joined(separator: ", ")) is for it"]
    }
    guard let policy else { return ["it is bound, and no policy is for it"] }
    var found: [String] = []
    let names = policy.policies.map(\.description)
    if names != bound.policies {
      found.append(
        "it is under [\(bound.policies.joined(separator: ", "))], and [\(names.joined(separator: ", "))] is for it")
    }
    let wanted = RuleCompiler(root: bound.lookups).compile(policy).ruleSet
    let content = bound.content
    if wanted.mode != content.mode { found.append("its mode is \(content.mode), the policies say \(wanted.mode)") }
    if wanted.allow != content.allow { found.append("its relaxations are not those of the policies") }
    let paths = Set(wanted.rules.keys).union(content.rules.keys).sorted { $0.lexicographicallyPrecedes($1) }
    for path in paths where wanted.rules[path] != content.rules[path] {
      let shown = String(decoding: path, as: UTF8.self)
      found.append(
        content.rules[path] == nil
          ? "\(shown) is in the policies, not in its rules"
          : wanted.rules[path] == nil
            ? "\(shown) is in its rules, not in the policies"
            : "\(shown) has other uses in its rules than in the policies")
    }
    return found
  }

  /// What the container was given against what the kernel holds.
  private func kernelDifferences(_ record: ContainerRecord, _ dump: RuleDump) -> [String] {
    guard let bound = record.bound else {
      return gate.bindings.id(of: record.cgroup.key) == nil ? [] : ["it is bound in map bindings only"]
    }
    guard let id = gate.bindings.id(of: record.cgroup.key) else {
      return ["cgroup \(record.cgroup.id) is not in map bindings: nothing is judged"]
    }
    var found: [String] = []
    if id != bound.binding { found.append("its binding is \(id) in map bindings, and should be \(bound.binding)") }
    let ruleSet = gate.bindings.ruleSet(of: id)
    if ruleSet != bound.ruleSet {
      found.append("it is assigned to rule set \(ruleSet) in map assignments, and should be to \(bound.ruleSet)")
    }
    if let problem = gate.bindings.pidNamespaceProblem(record.cgroup.key, initStartTicks: record.initStartTicks) {
      found.append(problem)
    }
    return found + gate.ruleSets.differences(ruleSet, from: bound.content, in: dump)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Policy

extension ContainerRegistry {
  /// Brings every container under the policies as they are now. A container whose rules
  /// cannot be written keeps those it had.
  public func apply(_ new: PolicySet) {
    policies = new
    var changes: [UInt32: [(id: String, compiled: CompiledRules, policy: EffectivePolicy)]] = [:]
    for var record in allContainers() {
      let id = record.identity.id
      guard let policy = new.effective(for: record.identity.workload) else {
        if record.bound != nil {
          log.warning("no policy is for the container any more", metadata: ["container": "\(id)"])
          trouble.containers[id] = nil
          unbind(&record)
          index.put(id, record)
          save(record)
        }
        continue
      }
      guard let bound = record.bound else {
        bindLate(&record, to: policy)
        continue
      }
      // Not in the container's files as they are now: its workload may have changed them.
      changes[bound.ruleSet, default: []].append((id, RuleCompiler(root: bound.lookups).compile(policy), policy))
    }
    for ruleSet in changes.keys.sorted() { change(ruleSet, changes[ruleSet]!) }
    gate.ruleSets.collect()
  }

  /// The containers of one rule set. Where all go the same way the rule set itself is
  /// switched; else each is assigned to the one that fits.
  private func change(
    _ ruleSet: UInt32, _ members: [(id: String, compiled: CompiledRules, policy: EffectivePolicy)]
  ) {
    let contents = Set(members.map(\.compiled.ruleSet))
    if contents.count == 1, records.values.count(where: { $0.bound?.ruleSet == ruleSet }) == members.count,
      gate.ruleSets.find(contents.first!) == nil
    {
      do {
        try gate.ruleSets.replace(ruleSet, with: contents.first!)
        for member in members { note(member.id, ruleSet, member.compiled, member.policy) }
      } catch {
        fail(members.map(\.id), error)
      }
      return
    }
    for member in members {
      do {
        let target = try gate.ruleSets.find(member.compiled.ruleSet) ?? gate.ruleSets.add(member.compiled.ruleSet)
        guard let bound = index.record(member.id)?.bound else { continue }
        if target != bound.ruleSet { gate.bindings.assign(bound.binding, target) }
        note(member.id, target, member.compiled, member.policy)
      } catch {
        fail([member.id], error)
      }
    }
    release(ruleSet)
  }

  private func note(_ id: String, _ ruleSet: UInt32, _ compiled: CompiledRules, _ policy: EffectivePolicy) {
    guard var record = index.record(id) else { return }
    let old = record.bound?.content
    record.bound?.ruleSet = ruleSet
    record.bound?.set(compiled, policies: policy.policies)
    index.put(id, record)
    trouble.containers[id] = nil
    save(record)
    if old != compiled.ruleSet {
      log.info(
        "rules changed",
        metadata: [
          "container": "\(id)", "mode": "\(policy.mode.rawValue)",
          "generation": "\(gate.ruleSets.generation(of: ruleSet) ?? 0)",
        ])
    }
  }

  private func fail(_ ids: [String], _ error: any Error) {
    trouble.count(error)
    for id in ids {
      trouble.containers[id] = "is under an older version of its policy: \(error)"
      log.error(
        "rules not changed, those of before stay in force",
        metadata: ["container": "\(id)", "reason": "\(error)"])
    }
  }

  /// A container that runs already and gets its first policy.
  private func bindLate(_ record: inout ContainerRecord, to policy: EffectivePolicy) {
    record.hasStarted = true
    guard proc.startTicks(record.pid) == record.initStartTicks else { return }
    do throws(AdmissionError) {
      try bind(&record, to: policy)
      index.put(record.identity.id, record)
    } catch {
      trouble.containers[record.identity.id] = "is NOT under its policy: \(error)"
      log.critical(
        "the container is NOT under its policy: it could not be bound; tried again at the next change",
        metadata: ["container": "\(record.identity.id)", "reason": "\(error)"])
    }
  }
}

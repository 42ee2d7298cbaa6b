// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Enforcement
import Learning
import Observation
import Policy

/// What an operator can ask for beyond lists: answers, and changes that were agreed to.
public struct Operations: Sendable {
  let registry: ContainerRegistry
  let gate: Gate
  let violations: ViolationStore
  let learner: Learner
  let editor: PolicyEditor
  let readiness: Readiness

  public init(
    registry: ContainerRegistry, gate: Gate, violations: ViolationStore, learner: Learner, editor: PolicyEditor,
    readiness: Readiness
  ) {
    self.registry = registry
    self.gate = gate
    self.violations = violations
    self.learner = learner
    self.editor = editor
    self.readiness = readiness
  }

  func answer(_ request: ControlRequest) async throws(ControlFailure) -> ControlResponse {
    switch ControlRequest.Command(rawValue: request.command) {
    case .explain:
      return .explanation(
        try await Explainer(registry: registry, gate: gate)
          .explain(try given(request.container, "container"), try given(request.path, "path")))
    case .verify: return .verification(await verification())
    case .acknowledge:
      let id = try given(request.id, "id")
      guard let record = await violations.acknowledge(id) else { throw Self.unknown(id) }
      await violations.flush()
      return .violation(record)
    case .allow:
      let id = try given(request.id, "id")
      guard let record = await violations.record(id), let path = await violations.executable(id) else {
        throw Self.unknown(id)
      }
      return .edit(try await editor.allow(record, executable: path, agreed: request.agreed))
    case .proposals: return .proposals(try await proposals(request.policy))
    case .promote:
      let name = try given(request.policy, "policy")
      let found = try await proposals(name)
      guard found.count == 1, let one = found.first,
        let proposal = await learner.proposal(PolicyName(namespace: one.namespace, name: one.name))
      else { throw Self.several(name, found) }
      let mode = try request.mode.map(Self.mode)
      return .edit(try await editor.promote(proposal, mode: mode, agreed: request.agreed))
    case .apply: return .edit(try await editor.apply(try given(request.manifest, "manifest"), agreed: request.agreed))
    case .delete: return .edit(try await editor.delete(try given(request.policy, "policy"), agreed: request.agreed))
    case .setMode:
      let mode = try Self.mode(try given(request.mode, "mode"))
      return .edit(try await editor.setMode(try given(request.policy, "policy"), mode, agreed: request.agreed))
    case .readiness:
      return .readiness(await readiness.report(try await editor.find(try given(request.policy, "policy"))))
    default:
      throw ControlFailure(message: "the command is not known")
    }
  }

  /// All, or those of a name; an error when there are none of it.
  private func proposals(_ name: String?) async throws(ControlFailure) -> [ProposalReport] {
    var all = await learner.proposals()
    let policies = await registry.policies.policies
    for index in all.indices {
      all[index].policyMode =
        policies.first {
          $0.policy.name == PolicyName(namespace: all[index].namespace, name: all[index].name)
        }?.policy.mode.rawValue
    }
    guard let name else { return all }
    let found = all.filter { $0.name == name || "\($0.namespace)/\($0.name)" == name }
    guard !found.isEmpty else {
      throw ControlFailure(message: "there is no proposal \(name)", remedy: "mapctl proposals lists them")
    }
    guard found.count == 1 else { throw Self.several(name, found) }
    return found
  }

  private func verification() async -> VerificationReport {
    let found = await registry.verify()
    return VerificationReport(
      containersCount: found.containers, ruleSetsCount: found.ruleSets, rulesCount: found.rules,
      differences: found.differences.map { .init(place: $0.place, message: $0.message) })
  }

  private func given<Value>(_ value: Value?, _ name: String) throws(ControlFailure) -> Value {
    guard let value else { throw ControlFailure(message: "the request has no \(name)", remedy: "use mapctl") }
    return value
  }

  private static func mode(_ text: String) throws(ControlFailure) -> PolicyMode {
    guard let mode = PolicyMode(rawValue: text) else {
      throw ControlFailure(message: "\(text) is no mode", remedy: "use learn, monitor or protect")
    }
    return mode
  }

  private static func unknown(_ id: UInt64) -> ControlFailure {
    ControlFailure(message: "there is no violation \(id)", remedy: "mapctl violations lists them")
  }

  private static func several(_ name: String, _ found: [ProposalReport]) -> ControlFailure {
    ControlFailure(
      message:
        "there are several proposals \(name): \(found.map { "\($0.namespace)/\($0.name)" }.joined(separator: ", "))",
      remedy: "give the namespace too")
  }
}

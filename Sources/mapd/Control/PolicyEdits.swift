// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Learning
import Policy

/// The edits that an operator can ask for.
extension PolicyEditor {
  /// A proposal becomes a policy; where there is one of its name, what it lists is added to it.
  /// - Parameter mode: nil: monitor for a new policy, as it is for one that is there.
  func promote(_ proposal: WorkloadPolicy, mode: PolicyMode?, agreed: String?) async throws(ControlFailure)
    -> PolicyEdit
  {
    let name = proposal.name
    if await policies().policies.contains(where: { $0.policy.name == name }) {
      let placed = try await find(name.description)
      var wanted = placed.policy
      if let mode { wanted.mode = mode }
      for (container, rules) in proposal.rulesByContainer {
        let old = wanted.rulesByContainer[container]
        wanted.rulesByContainer[container] = ContainerRules(
          allowed: (old?.allowed ?? []) + rules.allowed, interpreters: old?.interpreters ?? .implied,
          relaxations: old?.relaxations ?? [])
      }
      return try await settle(try await rewritten(placed, as: wanted) { _ in nil }, agreed: agreed)
    }
    var policy = proposal
    policy.kind = .policy
    policy.mode = mode ?? .monitor
    var draft = Draft(policies: [name], file: PolicyFileName.of(name) + ".yaml", after: try yaml([policy]))
    if exists(draft.file) {
      throw ControlFailure(
        message: "\(draft.file) is in the policy directory and does not hold \(name)", remedy: "move it away first")
    }
    if policy.selector == nil {
      draft.notes.append(
        "it has no selector: it is for pods with the label or annotation security.rancher.io/policy: \(name.name)")
    }
    if policy.rulesByContainer.values.allSatisfy(\.allowed.isEmpty) {
      draft.notes.append("nothing has been learned yet")
    }
    return try await settle(draft, agreed: agreed)
  }

  /// A file of policies, as it is written.
  func apply(_ text: String, agreed: String?) async throws(ControlFailure) -> PolicyEdit {
    let parsed = PolicyParser.parse(Array(text.utf8), file: "the manifest")
    if let problem = parsed.problems.first {
      throw ControlFailure(message: "\(problem)", remedy: "mapctl policies validate FILE shows all problems")
    }
    let policies = parsed.policies.map(\.policy)
    if let proposal = policies.first(where: { $0.kind == .proposal }) {
      throw ControlFailure(
        message: "\(proposal.name) is a proposal, which is never in force",
        remedy: "make it a WorkloadPolicy with a mode")
    }
    let names = policies.map(\.name)
    let present = await self.policies().policies.filter { names.contains($0.policy.name) }
    let files = Set(present.map(\.file))
    guard let file = files.first else {
      let file = PolicyFileName.of(names[0]) + ".yaml"
      if exists(file) {
        throw ControlFailure(
          message: "\(file) is in the policy directory and does not hold \(names[0])", remedy: "move it away first")
      }
      return try await settle(Draft(policies: names, file: file, after: text), agreed: agreed)
    }
    let others = await self.policies(of: file).map(\.name).filter { !names.contains($0) }
    guard files.count == 1, others.isEmpty else {
      throw ControlFailure(
        message: "\(files.sorted().joined(separator: ", ")) holds other policies as well: "
          + others.map(\.description).joined(separator: ", "),
        remedy: "change that file itself")
    }
    return try await settle(Draft(policies: names, file: file, after: text), agreed: agreed)
  }

  func delete(_ name: String, agreed: String?) async throws(ControlFailure) -> PolicyEdit {
    let placed = try await find(name)
    let rest = await policies(of: placed.file).filter { $0 != placed.policy }
    return try await settle(
      Draft(policies: [placed.policy.name], file: placed.file, after: rest.isEmpty ? nil : try yaml(rest)),
      agreed: agreed)
  }

  func setMode(_ name: String, _ mode: PolicyMode, agreed: String?) async throws(ControlFailure) -> PolicyEdit {
    let placed = try await find(name)
    var wanted = placed.policy
    wanted.mode = mode
    let draft = try await rewritten(placed, as: wanted) {
      PolicyText.setting(mode: mode, of: placed.policy.name, in: $0)
    }
    return try await settle(draft, agreed: agreed)
  }

  /// Adds the executable of a violation to the rules of its container.
  func allow(_ violation: ViolationRecord, executable: [UInt8], agreed: String?) async throws(ControlFailure)
    -> PolicyEdit
  {
    let event = violation.latest
    let reason = ReasonName(rawValue: event.reason)
    guard [.notListed, .interpreterNotListed, .scriptUnseen].contains(reason) else {
      throw ControlFailure(
        message:
          "violation \(violation.id) is of reason \(event.reason), which no rule lifts: \(reason?.explanation ?? "")",
        remedy: reason.map { "if it is wanted: \($0.remedy)" })
    }
    guard event.unlistable == nil, let text = String(validating: executable, as: UTF8.self) else {
      throw ControlFailure(
        message:
          "the executable of violation \(violation.id) cannot be listed: \(event.unlistable ?? "its path is not UTF-8")",
        remedy: "list a directory above it, or give it another name")
    }
    let path: ExecutablePath
    do throws(PathError) {
      path = try ExecutablePath(text)
    } catch {
      throw ControlFailure(message: "the executable of violation \(violation.id) cannot be listed: \(error.message)")
    }
    var candidates: [PlacedPolicy] = []
    for name in event.policy {
      if let placed = await policies().policies.first(where: { $0.policy.name.description == name }) {
        candidates.append(placed)
      }
    }
    guard
      let chosen = candidates.first(where: { $0.policy.rulesByContainer[event.container] != nil }) ?? candidates.first
    else {
      throw ControlFailure(
        message: "no policy of violation \(violation.id) is in force any more (\(event.policy.joined(separator: ", ")))"
      )
    }
    let placed = try await find(chosen.policy.name.description)
    var wanted = placed.policy
    let old = wanted.rulesByContainer[event.container]
    wanted.rulesByContainer[event.container] = ContainerRules(
      allowed: (old?.allowed ?? []) + [path], interpreters: old?.interpreters ?? .implied,
      relaxations: old?.relaxations ?? [])
    var draft = try await rewritten(placed, as: wanted) {
      PolicyText.adding(path, to: event.container, of: placed.policy.name, in: $0)
    }
    if old == nil {
      draft.notes.append(
        "the policy did not name container \(event.container): from now on its mode \(wanted.mode.rawValue) is for it, and this is all that it lists"
      )
    }
    if event.interpreter {
      draft.notes.append("\(text) is an interpreter: listed, it may run anything that it is given")
    }
    return try await settle(draft, agreed: agreed)
  }

  /// The file of a policy with one policy changed.
  private func rewritten(
    _ placed: PlacedPolicy, as wanted: WorkloadPolicy, _ edit: (String) -> String?
  ) async throws(ControlFailure) -> Draft {
    let all = await policies(of: placed.file).map { $0 == placed.policy ? wanted : $0 }
    guard let text = text(placed.file), PolicyText.policies(text) == (await policies(of: placed.file)) else {
      throw ControlFailure(message: "\(placed.file) is just being changed", remedy: "try again")
    }
    var draft = Draft(policies: [wanted.name], file: placed.file)
    // Nothing to change: not even the way it is written.
    if wanted == placed.policy {
      draft.after = text
      draft.notes.append("the policy says so already")
      return draft
    }
    do {
      let change = try PolicyText.change(text, to: all, edit)
      draft.after = change.text
      if change.isRewritten { draft.notes.append("the file is written anew: its comments are lost") }
    } catch {
      throw ControlFailure(message: "\(wanted.name) cannot be written: \(error)")
    }
    return draft
  }

  private func yaml(_ policies: [WorkloadPolicy]) throws(ControlFailure) -> String {
    do {
      return try policies.map(PolicyEmitter.yaml).joined(separator: "---\n")
    } catch {
      throw ControlFailure(message: "the policies cannot be written: \(error)")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Reads `spec`: whom the policy is for, and what they may execute.
package enum SpecificationReader {
  static func read(_ field: Field, into policy: inout WorkloadPolicy) {
    guard var fields = Fields(field) else { return }
    if let mode = fields.takeSet("mode") {
      if let choice = mode.choice(PolicyMode.self) { policy.mode = choice }
    } else if policy.kind == .policy {
      field.problem("has no mode; write mode: learn, monitor or protect")
    }
    policy.selector = fields.takeSet("selector").flatMap(SelectorReader.read)
    policy.otherContainers = fields.takeSet("otherContainers").flatMap {
      $0.choice(OtherContainers.self)
    }
    policy.runningProcesses = fields.takeSet("runningProcesses").flatMap {
      $0.choice(RunningProcesses.self)
    }
    for entry in fields.take("rulesByContainer")?.entries() ?? [] {
      guard isContainerName(entry.name) else {
        entry.key.problem(
          "\(PathError.quoted(entry.name)) is not the name of a container; write 1 to 253 of A-Z, a-z, 0-9, _ . and -, with a letter or digit first"
        )
        continue
      }
      if let rules = container(entry.value) { policy.rulesByContainer[entry.name] = rules }
    }
    fields.refuseRest()
  }

  package static func isContainerName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 253 else { return false }
    func isWord(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: false
      }
    }
    return isWord(first) && name.utf8.allSatisfy { isWord($0) || "_.-".utf8.contains($0) }
  }

  /// A container without rules may execute nothing: named, so protect refuses all.
  private static func container(_ field: Field) -> ContainerRules? {
    guard var fields = Fields(field) else { return nil }
    var allowed: [ExecutablePath] = []
    var interpreters = Interpreters.implied
    if let executables = fields.takeSet("executables") {
      guard var inner = Fields(executables) else { return nil }
      for entry in inner.take("allowed")?.list() ?? [] {
        guard let text = entry.text() else { continue }
        do throws(PathError) {
          allowed.append(try ExecutablePath(text))
        } catch {
          entry.problem(error.message)
        }
      }
      interpreters =
        inner.takeSet("interpreters").flatMap { $0.choice(Interpreters.self) } ?? .implied
      if let reference = inner.takeSet("imagePolicyRef") {
        reference.problem(
          "is not supported: which image runs is decided before a container starts; write null, or remove it"
        )
      }
      // Proposals of older versions carry an empty list.
      if let prefixes = inner.takeSet("allowedPrefixes"), prefixes.list()?.isEmpty == false {
        prefixes.problem("is not supported; list each directory under allowed, with a trailing /")
      }
      inner.refuseRest()
    }
    let relaxations = fields.takeSet("allow").map(relaxations) ?? []
    fields.refuseRest()
    return ContainerRules(allowed: allowed, interpreters: interpreters, relaxations: relaxations)
  }

  private static func relaxations(_ field: Field) -> Relaxations {
    var relaxations: Relaxations = []
    for entry in field.list() ?? [] {
      guard let text = entry.text() else { continue }
      if let known = Relaxations.byName.first(where: { $0.name == text }) {
        relaxations.insert(known.value)
      } else {
        entry.problem(
          "\(PathError.quoted(text)) is not known here; write \(Field.alternatives(Relaxations.byName.map(\.name)))"
        )
      }
    }
    return relaxations
  }
}

enum SelectorReader {
  static func read(_ field: Field) -> LabelSelector? {
    guard var fields = Fields(field) else { return nil }
    var selector = LabelSelector()
    if let labels = fields.take("matchLabels") {
      guard let texts = labels.texts() else { return nil }
      selector.matchLabels = texts
    }
    for entry in fields.take("matchExpressions")?.list() ?? [] {
      guard let requirement = requirement(entry) else { return nil }
      selector.matchExpressions.append(requirement)
    }
    fields.refuseRest()
    return selector
  }

  private static func requirement(_ field: Field) -> LabelSelector.Requirement? {
    guard var fields = Fields(field) else { return nil }
    let keyField = fields.takeSet("key")
    let operatorField = fields.takeSet("operator")
    let valuesField = fields.takeSet("values")
    fields.refuseRest()
    guard let keyField, let operatorField else {
      field.problem(
        "has no \(keyField == nil ? "key" : "operator"); write key, operator and values")
      return nil
    }
    guard let key = keyField.text(),
      let kind = operatorField.choice(LabelSelector.Requirement.Operator.self),
      let list = valuesField.map({ $0.list() }) ?? []
    else { return nil }
    let values = list.compactMap { $0.text() }
    guard values.count == list.count else { return nil }
    guard kind.takesValues != values.isEmpty else {
      (valuesField ?? field).problem(
        kind.takesValues
          ? "has no values; \(kind.rawValue) needs one or more"
          : "has values; \(kind.rawValue) takes none, remove them")
      return nil
    }
    return LabelSelector.Requirement(key: key, operator: kind, values: values)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Yams

/// Reads manifests: what is not understood is refused, never skipped, because a misspelt field
/// would otherwise mean a policy that allows or refuses other things than its author believes.
public enum PolicyParser {
  /// A policy with the line where its document begins.
  public struct Parsed: Hashable, Sendable {
    public var policy: WorkloadPolicy
    public var line: Int
  }

  public typealias Result = (policies: [Parsed], problems: [PolicyProblem])

  /// All policies of a file, or all that is wrong with it: a file counts as a whole or not at all.
  public static func parse(_ bytes: [UInt8], file: String) -> Result {
    let log = ProblemLog(file: file)
    guard let documents = YAMLText.documents(in: bytes, log: log) else { return ([], log.problems) }
    var parsed: [Parsed] = []
    for document in documents {
      let root = Field(node: document, path: "", log: log)
      if !root.isNull { readObject(root, into: &parsed) }
    }
    // A file cut to nothing by a full disk or an editor must not lift the policies it held.
    if parsed.isEmpty && log.count == 0 {
      log.add("holds no policy; write one, or remove the file if its policies are to go")
    }
    refuseRepeats(parsed, log: log)
    return log.count == 0 ? (parsed, []) : ([], log.problems)
  }

  private static func refuseRepeats(_ parsed: [Parsed], log: ProblemLog) {
    var lines: [String: Int] = [:]
    for one in parsed {
      let key = "\(one.policy.kind.rawValue) \(one.policy.name)"
      if let line = lines[key] {
        log.add(
          line: one.line, field: "metadata.name",
          "\(key) is already defined at line \(line); keep one, or rename one")
      } else {
        lines[key] = one.line
      }
    }
  }

  private static func readObject(_ root: Field, into parsed: inout [Parsed]) {
    guard var fields = Fields(root) else { return }
    guard let kindField = fields.take("kind"), let versionField = fields.take("apiVersion") else {
      root.problem(
        "has no \(fields.has("apiVersion") ? "kind" : "apiVersion and kind"); begin with apiVersion: \(WorkloadPolicy.apiVersions[0]) and kind: WorkloadPolicy"
      )
      return
    }
    guard let kind = kindField.text(), let version = versionField.text() else { return }
    // What `kubectl get -o yaml` writes for several objects.
    if kind == "List" && version == "v1"
      || kind == "WorkloadPolicyList" || kind == "WorkloadPolicyProposalList"
    {
      _ = fields.take("metadata")
      for item in fields.take("items")?.list() ?? [] { readObject(item, into: &parsed) }
      fields.refuseRest()
      return
    }
    guard let kind = PolicyKind(rawValue: kind) else {
      kindField.problem(Hints.kind(kind))
      return
    }
    guard WorkloadPolicy.apiVersions.contains(version) else {
      versionField.problem(
        "\(PathError.quoted(version)) is not known; write \(Field.alternatives(WorkloadPolicy.apiVersions))"
      )
      return
    }
    let before = root.log.count
    let metadata = fields.take("metadata").map(MetadataReader.read) ?? nil
    if metadata == nil && root.log.count == before {
      root.problem("has no metadata; write at least metadata: {name: …}")
    }
    let specification = fields.take("spec")
    if specification == nil {
      root.problem("has no spec; write at least spec.mode and spec.rulesByContainer")
    }
    _ = fields.take("status")  // written by the cluster, says nothing about what is allowed
    fields.refuseRest()
    guard let metadata, let specification else { return }
    var policy = WorkloadPolicy(
      kind: kind, apiVersion: version, name: metadata.name, labels: metadata.labels,
      annotations: metadata.annotations, mode: .learn)
    SpecificationReader.read(specification, into: &policy)
    if root.log.count == before {
      parsed.append(Parsed(policy: policy, line: root.node.mark?.line ?? 1))
    }
  }
}

/// The fields of a mapping, each taken once; what is left at the end is refused.
package struct Fields {
  private let mapping: Field
  private var left: [(name: String, value: Field, key: Field)]
  private var asked: [String] = []

  /// nil, with a problem, when the value is no mapping.
  package init?(_ mapping: Field) {
    guard let entries = mapping.entries() else { return nil }
    self.mapping = mapping
    self.left = entries
  }

  package func has(_ name: String) -> Bool { left.contains { $0.name == name } }

  package mutating func take(_ name: String) -> Field? {
    asked.append(name)
    guard let index = left.firstIndex(where: { $0.name == name }) else { return nil }
    return left.remove(at: index).value
  }

  /// Null counts as not written, as in Kubernetes.
  package mutating func takeSet(_ name: String) -> Field? { take(name).flatMap { $0.isNull ? nil : $0 } }

  package func refuseRest() {
    for entry in left {
      let known = "fields known here: \(asked.joined(separator: ", "))"
      entry.key.problem(
        Hints.field(entry.name) ?? "is not a known field; correct or remove it (\(known))")
    }
  }
}

/// Words for what other tools and older versions of the manifests used.
enum Hints {
  static func kind(_ kind: String) -> String {
    let shown = PathError.quoted(kind)
    switch kind {
    case "WorkloadSecurityPolicy", "ClusterWorkloadSecurityPolicy",
      "WorkloadSecurityPolicyProposal":
      return
        "\(shown) was replaced by WorkloadPolicy; write kind: WorkloadPolicy, with the rules of each container under spec.rulesByContainer"
    default:
      return
        "\(shown) is not a policy; write WorkloadPolicy or WorkloadPolicyProposal, and keep other objects in other files"
    }
  }

  static func field(_ name: String) -> String? {
    switch name {
    case "severity", "tags", "message":
      "belongs to WorkloadSecurityPolicy and has no meaning in a WorkloadPolicy; remove it"
    case "rules":
      "belongs to WorkloadSecurityPolicy; write the rules of each container under spec.rulesByContainer"
    case "<<":
      "is a YAML merge, which policies do not take; write the fields out"
    default: nil
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Yams

/// Writes a policy as a manifest: the same text for the same policy, and read back as the same
/// policy.
public enum PolicyEmitter {
  /// One YAML document with a trailing line feed, without `---`.
  /// - Throws: the YAML emitter's error; none is known for a policy that was read.
  public static func yaml(_ policy: WorkloadPolicy) throws -> String {
    var metadata: [(String, Node)] = [
      ("name", text(policy.name.name)), ("namespace", text(policy.name.namespace)),
    ]
    if !policy.labels.isEmpty { metadata.append(("labels", texts(policy.labels))) }
    if !policy.annotations.isEmpty { metadata.append(("annotations", texts(policy.annotations))) }

    var specification: [(String, Node)] = []
    // The proposals of a cluster have no mode, and its API server would refuse one.
    if policy.kind == .policy || policy.mode != .learn {
      specification.append(("mode", text(policy.mode.rawValue)))
    }
    if let selector = policy.selector { specification.append(("selector", node(selector))) }
    let containers = policy.rulesByContainer.sorted { $0.key < $1.key }
    specification.append(("rulesByContainer", mapping(containers.map { ($0.key, node($0.value)) })))
    if let others = policy.otherContainers {
      specification.append(("otherContainers", text(others.rawValue)))
    }
    if let running = policy.runningProcesses {
      specification.append(("runningProcesses", text(running.rawValue)))
    }
    return try Yams.serialize(
      node: mapping([
        ("apiVersion", text(policy.apiVersion)), ("kind", text(policy.kind.rawValue)),
        ("metadata", mapping(metadata)), ("spec", mapping(specification)),
      ]), indent: 2, width: -1, allowUnicode: true)
  }

  private static func node(_ rules: ContainerRules) -> Node {
    var executables = [("allowed", list(rules.allowed.map(\.written)))]
    if rules.interpreters != .implied {
      executables.append(("interpreters", text(rules.interpreters.rawValue)))
    }
    var fields = [("executables", mapping(executables))]
    if !rules.relaxations.isEmpty { fields.append(("allow", list(rules.relaxations.names))) }
    return mapping(fields)
  }

  private static func node(_ selector: LabelSelector) -> Node {
    var fields: [(String, Node)] = []
    if !selector.matchLabels.isEmpty { fields.append(("matchLabels", texts(selector.matchLabels))) }
    if !selector.matchExpressions.isEmpty {
      let expressions = selector.matchExpressions.map { requirement in
        var fields = [
          ("key", text(requirement.key)), ("operator", text(requirement.operator.rawValue)),
        ]
        if !requirement.values.isEmpty { fields.append(("values", list(requirement.values))) }
        return mapping(fields)
      }
      fields.append(("matchExpressions", Node(expressions, .implicit, .block)))
    }
    return mapping(fields)
  }

  private static func mapping(_ fields: [(String, Node)]) -> Node {
    Node(fields.map { (text($0.0), $0.1) }, .implicit, fields.isEmpty ? .flow : .block)
  }

  private static func texts(_ texts: [String: String]) -> Node {
    mapping(texts.sorted { $0.key < $1.key }.map { ($0.key, text($0.value)) })
  }

  private static func list(_ texts: [String]) -> Node {
    Node(texts.map(text), .implicit, texts.isEmpty ? .flow : .block)
  }

  /// Quoted unless every reader takes it for text: learned paths hold whatever a workload named its
  /// files.
  private static func text(_ text: String) -> Node {
    let isPlain =
      PlainScalar(plain: text) == .text
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "/._-".utf8.contains(byte)
        }
      } && text.utf8.first != UInt8(ascii: "-")
    return Node(text, Tag(.str), isPlain ? .plain : .doubleQuoted)
  }
}

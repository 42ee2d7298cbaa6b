// SPDX-License-Identifier: Apache-2.0
import Policy
import Yams

/// Changes the text of a policy file as little as can be, so that comments and order stay. What
/// comes out is read again: if it does not say exactly what was wanted, the policies are written
/// anew.
enum PolicyText {
  struct Change {
    var text: String
    /// The file was written anew: comments are gone.
    var isRewritten: Bool
  }

  /// - Parameters:
  ///   - wanted: all policies of the file as they shall be.
  ///   - edit: a small change of the text that should bring that about; nil: none is known.
  static func change(_ text: String, to wanted: [WorkloadPolicy], _ edit: (String) -> String?) throws -> Change {
    if let edited = edit(text), policies(edited) == wanted { return Change(text: edited, isRewritten: false) }
    let fresh = try wanted.map(PolicyEmitter.yaml).joined(separator: "---\n")
    return Change(text: fresh, isRewritten: text.contains("#"))
  }

  /// nil when there is a problem with it.
  static func policies(_ text: String) -> [WorkloadPolicy]? {
    let parsed = PolicyParser.parse(Array(text.utf8), file: "")
    return parsed.problems.isEmpty ? parsed.policies.map(\.policy) : nil
  }

  /// Another word for `spec.mode`.
  static func setting(mode: PolicyMode, of name: PolicyName, in text: String) -> String? {
    guard let scalar = specification(of: name, in: text)?["mode"]?.scalar, let mark = scalar.mark else { return nil }
    return replacing(text, mark.line, mark.column, width(of: scalar), with: mode.rawValue)
  }

  /// One path more in a list that has some.
  static func adding(_ path: ExecutablePath, to container: String, of name: PolicyName, in text: String) -> String? {
    let list = specification(of: name, in: text)?["rulesByContainer"]?[container]?["executables"]?["allowed"]
    guard let sequence = list?.sequence, let last = sequence.last?.scalar, let mark = last.mark else { return nil }
    let word = quoted(path.written)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.indices.contains(mark.line - 1) else { return nil }
    // Not its style: Yams takes that from the end of the list, which has none.
    if let start = sequence.mark, lines[start.line - 1].dropFirst(start.column - 1).first == "[" {
      return replacing(text, mark.line, mark.column + width(of: last), 0, with: ", " + word)
    }
    let before = lines[mark.line - 1].prefix(mark.column - 1)
    guard before.allSatisfy({ $0 == " " || $0 == "-" }) else { return nil }
    var result = lines.map(String.init)
    result.insert(before + word, at: mark.line)
    return result.joined(separator: "\n")
  }

  private static func specification(of name: PolicyName, in text: String) -> Node? {
    guard let roots = try? YAMLNodes.compose(text) else { return nil }
    return roots.first {
      $0["metadata"]?["name"]?.scalar?.string == name.name
        && ($0["metadata"]?["namespace"]?.scalar?.string ?? "default") == name.namespace
    }?["spec"]
  }

  /// As it is written. Wrong where it has escapes: then what comes out is not what was wanted.
  private static func width(of scalar: Node.Scalar) -> Int {
    scalar.string.unicodeScalars.count + (scalar.style == .plain ? 0 : 2)
  }

  private static func replacing(_ text: String, _ line: Int, _ column: Int, _ length: Int, with word: String) -> String?
  {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
    guard lines.indices.contains(line - 1) else { return nil }
    let start = column - 1
    guard start >= 0, start + length <= lines[line - 1].count else { return nil }
    lines[line - 1].replaceSubrange(start..<start + length, with: Array(word.unicodeScalars))
    return lines.map { line in
      var scalars = String.UnicodeScalarView()
      scalars.append(contentsOf: line)
      return String(scalars)
    }.joined(separator: "\n")
  }

  private static func quoted(_ path: String) -> String {
    let isPlain = path.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "/._-".utf8.contains(byte)
      }
    }
    guard !isPlain else { return path }
    var text = "\""
    for scalar in path.unicodeScalars {
      switch scalar {
      case "\"", "\\": text += "\\" + String(scalar)
      case _ where scalar.value >= 0x20 && scalar.value < 0x7f: text.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16)
        text += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      }
    }
    return text + "\""
  }
}

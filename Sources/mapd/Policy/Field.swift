// SPDX-License-Identifier: Apache-2.0
import Yams

/// A value of a manifest with the path that leads to it. Reads it as one type, or logs why not.
package struct Field {
  let node: Node
  let path: String
  let log: ProblemLog

  static func join(_ path: String, _ name: String) -> String {
    let plain = !name.isEmpty && name.unicodeScalars.allSatisfy(isPlain)
    let shown = plain ? name : "[\(PathError.quoted(name))]"
    return path.isEmpty || !plain ? path + shown : "\(path).\(shown)"
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
    default: !scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
    }
  }

  package func problem(_ message: String) {
    log.add(line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, field: path, message)
  }

  /// `~`, `null` or nothing: as if the field were not written.
  package var isNull: Bool { PlainScalar(node) == .null }

  /// The text, or nil with a problem. Numbers and the like are refused, as Kubernetes does.
  package func text() -> String? {
    guard let scalar = node.scalar else {
      problem("is \(Self.kind(of: node)) and must be text; write one word here")
      return nil
    }
    switch PlainScalar(node) {
    case .text: return scalar.string
    case .null: problem("is empty and must be text; write a value or remove the field")
    case .boolean, .number:
      problem("is \(Self.kind(of: node)) and must be text; put it in quotes: \"\(scalar.string)\"")
    }
    return nil
  }

  /// One of the cases of an enumeration, or nil with a problem.
  package func choice<Choice: RawRepresentable<String> & CaseIterable>(_: Choice.Type) -> Choice? {
    guard let text = text() else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    problem("\(PathError.quoted(text)) is not known here; write \(Self.alternatives(names))")
    return nil
  }

  /// The elements of a list; none when it is null; nil with a problem.
  package func list() -> [Field]? {
    if isNull { return [] }
    guard let sequence = node.sequence else {
      problem(
        "is \(Self.kind(of: node)) and must be a list; write each entry on its own line after \"- \""
      )
      return nil
    }
    return sequence.enumerated().map { Field(node: $1, path: "\(path)[\($0)]", log: log) }
  }

  /// The entries of a mapping in their order; none when it is null; nil with a problem.
  func entries() -> [(name: String, value: Field, key: Field)]? {
    if isNull { return [] }
    guard let mapping = node.mapping else {
      problem(
        "is \(Self.kind(of: node)) and must be a mapping; write name: value lines below it, indented"
      )
      return nil
    }
    var entries: [(String, Field, Field)] = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else {
        Field(node: key, path: path, log: log).problem(
          "has \(Self.kind(of: key)) as a key; write a word")
        return nil
      }
      let inner = Self.join(path, name)
      entries.append(
        (name, Field(node: value, path: inner, log: log), Field(node: key, path: inner, log: log)))
    }
    return entries
  }

  /// A mapping of text to text, as labels are.
  package func texts() -> [String: String]? {
    guard let entries = entries() else { return nil }
    var texts: [String: String] = [:]
    for entry in entries {
      guard let text = entry.value.text() else { return nil }
      texts[entry.name] = text
    }
    return texts
  }

  package static func alternatives(_ names: [String]) -> String {
    names.count < 2
      ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + names.last!
  }

  private static func kind(of node: Node) -> String {
    switch node {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    case .scalar:
      switch PlainScalar(node) {
      case .null: "empty"
      case .boolean: "a boolean"
      case .number: "a number"
      case .text: "text"
      }
    }
  }
}

/// What a scalar is to Kubernetes, which reads YAML 1.1: `on` is a boolean there.
enum PlainScalar {
  case null, boolean, number, text

  init(_ node: Node) {
    guard let scalar = node.scalar, scalar.style == .plain else {
      self = .text
      return
    }
    self.init(plain: scalar.string)
  }

  init(plain text: String) {
    switch text.lowercased() {
    case "", "~", "null": self = .null
    case "true", "false", "yes", "no", "on", "off", "y", "n": self = .boolean
    case ".inf", "-.inf", "+.inf", ".nan": self = .number
    default:
      let digits = text.filter { $0 != "_" }
      let isNumber =
        Double(digits) != nil && digits.first.map { "+-.0123456789".contains($0) } == true
        || digits.hasPrefix("0o") && Int(digits.dropFirst(2), radix: 8) != nil
        || digits.hasPrefix("0b") && Int(digits.dropFirst(2), radix: 2) != nil
      self = isNumber ? .number : .text
    }
  }
}

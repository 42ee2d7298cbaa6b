// SPDX-License-Identifier: Apache-2.0
import Yams

/// From the bytes of a file to YAML documents, or to problems with their lines. Everything that
/// the YAML parser would take, merge, expand or stop at without a place is looked for here.
enum YAMLText {
  /// Larger files are refused; the largest policy seen in use has a few hundred paths (20 kB).
  static let maxBytes = 1 << 20

  /// nil when the file is no YAML that a policy may be written in; the log says why.
  static func documents(in bytes: [UInt8], log: ProblemLog) -> [Node]? {
    guard bytes.count <= maxBytes else {
      log.add("is \(bytes.count) bytes long, more than \(maxBytes); split it into several files")
      return nil
    }
    guard let text = decoded(bytes, log: log), hasPlainCharacters(bytes, log: log) else {
      return nil
    }
    let safe = withoutAliases(text)
    do {
      let roots = try compose(safe ?? text)
      guard safe != nil else { return roots }
      return try refusesAliases(roots, log: log) ? nil : compose(text)
    } catch YamlError.duplicatedKeysInMapping(let names, let context) {
      DuplicateKeys.report(in: safe ?? text, names: names, at: context.mark, log: log)
    } catch {
      report(error, log: log)
    }
    return nil
  }

  /// Scalars keep their text: which of them are numbers or null is decided by `Field`, not by
  /// regular expressions.
  static func compose(_ text: String) throws -> [Node] {
    let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
    var roots: [Node] = []
    while let root = try parser.nextRoot() { roots.append(root) }
    return roots
  }

  static func report(_ error: any Error, log: ProblemLog) {
    let remedy = "correct it, e.g. with the help of a YAML checker"
    switch error {
    case YamlError.scanner(_, let problem, let mark, _),
      YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      log.add(line: mark.line, column: mark.column, "is not YAML: \(problem); \(remedy)")
    case YamlError.reader(let problem, let offset, _, let text):
      let before = text.prefix(offset ?? 0)
      log.add(line: before.count { $0.isNewline } + 1, "is not YAML: \(problem); \(remedy)")
    default:
      log.add("is not YAML: \(error); \(remedy)")
    }
  }

  /// nil when the bytes are no UTF-8. A line feed is never part of a longer sequence, so lines can
  /// be tried alone.
  private static func decoded(_ bytes: [UInt8], log: ProblemLog) -> String? {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let bad = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
    log.add(line: (bad ?? 0) + 1, "is not valid UTF-8; save the file as UTF-8")
    return nil
  }

  private static func hasPlainCharacters(_ bytes: [UInt8], log: ProblemLog) -> Bool {
    var line = 1
    for byte in bytes {
      if byte == UInt8(ascii: "\n") { line += 1 }
      let isPlain = byte >= 0x20 && byte != 0x7f || byte == 0x09 || byte == 0x0a || byte == 0x0d
      if !isPlain {
        let name = byte == 0 ? "NUL" : "control character 0x\(String(byte, radix: 16))"
        log.add(line: line, "contains the \(name); remove it")
        return false
      }
    }
    return true
  }

  // Stands in for `*` where that may begin an alias. Of a private use area: no manifest begins a
  // word with it.
  static let aliasMark: Unicode.Scalar = "\u{E000}"

  /// Aliases are refused, all of them: what a container may run is to be read where it is written,
  /// and nested aliases grow a small file without bound ("a billion laughs"). Whether a `*` is one,
  /// is asked of the parser itself, with all that may be aliases made plain words so that it
  /// follows none.
  /// - Returns: nil when the text holds nothing that may be an alias.
  private static func withoutAliases(_ text: String) -> String? {
    var trial = String.UnicodeScalarView()
    var found = false
    var scalars = text.unicodeScalars.makeIterator()
    var current = scalars.next()
    while let scalar = current {
      current = scalars.next()
      if scalar == "*", let next = current, isAnchorCharacter(next) {
        trial.append(aliasMark)
        found = true
      } else {
        trial.append(scalar)
      }
    }
    return found ? String(trial) : nil
  }

  private static func refusesAliases(_ roots: [Node], log: ProblemLog) -> Bool {
    let before = log.count
    for root in roots {
      visit(root) { node, field in
        guard let scalar = node.scalar, scalar.style == .plain,
          scalar.string.unicodeScalars.first == aliasMark
        else { return }
        let name = "*" + scalar.string.dropFirst()
        log.add(
          line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, field: field,
          "is the alias \(PathError.quoted(name)), which policies do not take; write the value out, or in quotes if it is text"
        )
      }
    }
    return log.count > before
  }

  private static func isAnchorCharacter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
    default: false
    }
  }

  /// Every node below `root` with the path of its field, keys before their values.
  static func visit(_ root: Node, field: String = "", _ body: (Node, String) -> Void) {
    body(root, field)
    switch root {
    case .mapping(let mapping):
      for (key, value) in mapping {
        body(key, field)
        visit(value, field: Field.join(field, key.scalar?.string ?? "?"), body)
      }
    case .sequence(let sequence):
      for (index, element) in sequence.enumerated() {
        visit(element, field: "\(field)[\(index)]", body)
      }
    case .scalar, .alias: break
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Yams

/// The YAML parser refuses a mapping with two equal keys, but says neither which field it is nor
/// where the second one stands. To tell, the key it names is changed in a copy of the text until
/// the copy can be read; then the copy's tree holds both.
enum DuplicateKeys {
  /// Tries; after that the parser's own words have to do.
  private static let attempts: UInt32 = 16
  // Each changed key gets a character of its own, from a private use area.
  private static let firstMark: UInt32 = 0xE100

  static func report(in text: String, names: [String], at mark: Mark, log: ProblemLog) {
    var copy = Array(text.unicodeScalars)
    var originals: [Unicode.Scalar: Unicode.Scalar] = [YAMLText.aliasMark: "*"]
    var mark = mark
    let before = log.count
    for attempt in 0..<attempts {
      guard let at = index(of: mark, in: copy) else { break }
      let stand = Unicode.Scalar(firstMark + attempt)!
      originals[stand] = copy[at]
      copy[at] = stand
      var text = String.UnicodeScalarView()
      text.append(contentsOf: copy)
      do {
        for root in try YAMLText.compose(String(text)) {
          YAMLText.visit(root) { node, field in
            if let mapping = node.mapping {
              compare(mapping, field: field, originals: originals, log: log)
            }
          }
        }
        break
      } catch YamlError.duplicatedKeysInMapping(_, let context) {
        mark = context.mark
      } catch {
        break
      }
    }
    if log.count == before {
      log.add(
        line: mark.line, column: mark.column,
        "has the key \(names.map(PathError.quoted).joined(separator: ", ")) twice in one mapping; keep one"
      )
    }
  }

  private static func compare(
    _ mapping: Node.Mapping, field: String, originals: [Unicode.Scalar: Unicode.Scalar],
    log: ProblemLog
  ) {
    var first: [String: Mark] = [:]
    for (key, _) in mapping {
      guard let scalar = key.scalar, let mark = key.mark else { continue }
      var restored = String.UnicodeScalarView()
      for character in scalar.string.unicodeScalars {
        restored.append(originals[character] ?? character)
      }
      let name = String(restored)
      guard let earlier = first[name] else {
        first[name] = mark
        continue
      }
      log.add(
        line: mark.line, column: mark.column, field: Field.join(field, name),
        "is already written at line \(earlier.line); keep one of the two")
    }
  }

  /// Where the text of the key at `mark` begins. Lines are counted as the parser does.
  private static func index(of mark: Mark, in text: [Unicode.Scalar]) -> Int? {
    var line = 1
    var at = 0
    while line < mark.line, at < text.count {
      let isBreak =
        text[at] == "\n" || text[at] == "\u{85}" || text[at] == "\u{2028}" || text[at] == "\u{2029}"
      if isBreak || text[at] == "\r" && !(at + 1 < text.count && text[at + 1] == "\n") { line += 1 }
      at += 1
    }
    at += mark.column - 1
    guard at < text.count else { return nil }
    if (text[at] == "\"" || text[at] == "'") && at + 1 < text.count { at += 1 }
    return at
  }
}

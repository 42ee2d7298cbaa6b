// SPDX-License-Identifier: Apache-2.0

/// A file of mapd's own in the YAML that policies are written in: no aliases, no key twice, no
/// unknown field.
package enum ConfigurationText {
  /// - Returns: what is wrong with the file; empty: nothing. An empty file is one without fields.
  package static func read(_ bytes: [UInt8], file: String, _ body: (inout Fields) -> Void) -> [PolicyProblem] {
    let log = ProblemLog(file: file)
    guard let documents = YAMLText.documents(in: bytes, log: log) else { return log.problems }
    if documents.count > 1 { log.add("holds \(documents.count) documents; write one") }
    if let document = documents.first {
      let root = Field(node: document, path: "", log: log)
      if !root.isNull, var fields = Fields(root) {
        body(&fields)
        fields.refuseRest()
      }
    }
    return log.problems
  }
}

extension Field {
  /// `true` or `false`, or nil with a problem.
  package func boolean() -> Bool? {
    switch node.scalar?.string {
    case "true" where PlainScalar(node) == .boolean: return true
    case "false" where PlainScalar(node) == .boolean: return false
    default:
      problem("must be true or false, without quotes")
      return nil
    }
  }

  /// A whole number in decimal digits, or nil with a problem.
  package func integer(_ range: ClosedRange<Int>) -> Int? {
    let text = PlainScalar(node) == .number ? node.scalar?.string : nil
    if let text, let number = Int(text), range.contains(number) { return number }
    problem("must be a whole number from \(range.lowerBound) to \(range.upperBound), without quotes")
    return nil
  }

  /// An absolute path, or nil with a problem.
  package func absolutePath() -> String? {
    guard let text = text() else { return nil }
    if text.hasPrefix("/") { return text }
    problem("\(PathError.quoted(text)) is not an absolute path; begin it with /")
    return nil
  }

  /// A whole number of seconds, or nil with a problem.
  package func seconds(_ range: ClosedRange<Int>) -> Duration? { integer(range).map { .seconds($0) } }
}

// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong with a policy file: where, what, and what to do.
public struct PolicyProblem: Error, Hashable, Sendable {
  /// Name of the file inside the policy directory.
  public var file: String
  /// 1-based; 0 when the whole file is meant.
  public var line: Int
  /// 1-based, counted in Unicode scalars; 0 when the whole line or file is meant.
  public var column: Int
  /// Path of the field, as `spec.rulesByContainer.nginx.executables.allowed[3]`; empty when none is
  /// meant.
  public var field: String
  /// What is wrong, and what to do about it.
  public var message: String

  public init(file: String, line: Int = 0, column: Int = 0, field: String = "", message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.field = field
    self.message = message
  }
}

extension PolicyProblem: CustomStringConvertible {
  /// `web.yaml:12:9: spec.mode: what is wrong; what to do`
  public var description: String {
    var text = file
    if line > 0 { text += ":\(line)" }
    if line > 0 && column > 0 { text += ":\(column)" }
    if !field.isEmpty { text += ": \(field)" }
    return text + ": " + message
  }
}

extension PolicyProblem: Comparable {
  public static func < (a: PolicyProblem, b: PolicyProblem) -> Bool {
    (a.file, a.line, a.column, a.field, a.message) < (b.file, b.line, b.column, b.field, b.message)
  }
}

/// Collects the problems of one file while it is read, so that an operator sees all of them at
/// once.
final class ProblemLog {
  /// Further problems are counted, not kept: a file that is no policy at all needs no thousand
  /// lines.
  static let kept = 20

  let file: String
  private(set) var problems: [PolicyProblem] = []
  private(set) var count = 0

  init(file: String) { self.file = file }

  func add(line: Int = 0, column: Int = 0, field: String = "", _ message: String) {
    count += 1
    if count <= Self.kept {
      problems.append(
        PolicyProblem(file: file, line: line, column: column, field: field, message: message))
    } else {
      problems[Self.kept - 1].message =
        "\(count - Self.kept + 1) more problems; correct the first ones and try again"
    }
  }
}

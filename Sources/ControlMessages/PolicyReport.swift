// SPDX-License-Identifier: Apache-2.0

/// One policy, or one file that holds none because it is bad: an element of the answer to
/// `policies`.
public struct PolicyReport: Codable, Hashable, Sendable {
  public enum State: String, Codable, Hashable, Sendable {
    case inForce
    /// Its file has become bad; the last good version is in force.
    case lastGood
    /// Its file is bad and never was good: nothing of it is in force. `name` is nil.
    case refused
    /// A proposal, never in force.
    case proposal
  }

  /// A container that the policy names.
  public struct Container: Codable, Hashable, Sendable {
    public var name: String
    public var rulesCount: Int

    public init(name: String, rulesCount: Int) {
      self.name = name
      self.rulesCount = rulesCount
    }
  }

  /// As `PolicyProblem` of module Policy.
  public struct Problem: Codable, Hashable, Sendable {
    public var file: String
    public var line: Int
    public var column: Int
    public var field: String
    public var message: String

    public init(file: String, line: Int = 0, column: Int = 0, field: String = "", message: String) {
      self.file = file
      self.line = line
      self.column = column
      self.field = field
      self.message = message
    }
  }

  public var namespace: String?
  public var name: String?
  /// `learn`, `monitor` or `protect`; nil when refused.
  public var mode: String?
  public var state: State
  public var file: String
  /// Sorted by name.
  public var containers: [Container]
  /// Containers that are bound to it now.
  public var boundContainersCount: Int
  /// What is wrong with its file; reported with the first policy of the file only.
  public var problems: [Problem]

  public init(
    namespace: String?, name: String?, mode: String?, state: State, file: String,
    containers: [Container] = [], boundContainersCount: Int = 0, problems: [Problem] = []
  ) {
    self.namespace = namespace
    self.name = name
    self.mode = mode
    self.state = state
    self.file = file
    self.containers = containers
    self.boundContainersCount = boundContainersCount
    self.problems = problems
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What the gate would do with one exec, read from the kernel's maps: the answer to `explain`.
public struct Explanation: Codable, Hashable, Sendable {
  /// One file that the exec goes through: the executable, or an interpreter of a script.
  public struct Step: Codable, Hashable, Sendable {
    /// As the gate would walk it.
    public var path: String
    /// `executable` or `interpreter`.
    public var role: String
    /// `file`, `directory`, `missing`.
    public var found: String
    /// `image`, `writableLayer`, `changed` or `unknown`.
    public var origin: String
    /// The rule that is in the map for it, as a policy would write it; nil: none.
    public var rule: String?
    /// See `ReasonName`.
    public var reason: String

    public init(path: String, role: String, found: String, origin: String, rule: String? = nil, reason: String) {
      self.path = path
      self.role = role
      self.found = found
      self.origin = origin
      self.rule = rule
      self.reason = reason
    }
  }

  public var containerID: String
  public var container: String
  public var pod: String?
  public var namespace: String
  /// The path as it was asked.
  public var asked: String
  /// `allowed`, `reported`, `refused`, `learned` or `notJudged`.
  public var outcome: String
  /// Why: the reason of the first step that is not listed, else `listed`. nil: not judged.
  public var reason: String?
  public var steps: [Step]
  public var policies: [String]
  public var mode: String
  public var ruleSetID: UInt32
  public var generation: UInt32
  public var bindingID: UInt32
  public var sealed: Bool
  /// What this answer cannot know, and what it has assumed.
  public var notes: [String]

  enum CodingKeys: String, CodingKey {
    case container, pod, namespace, asked, outcome, reason, steps, policies, mode, generation, sealed, notes
    case containerID = "containerId"
    case ruleSetID = "ruleSetId"
    case bindingID = "bindingId"
  }

  public init(
    containerID: String, container: String, pod: String?, namespace: String, asked: String, outcome: String,
    reason: String?, steps: [Step], policies: [String], mode: String, ruleSetID: UInt32, generation: UInt32,
    bindingID: UInt32, sealed: Bool, notes: [String]
  ) {
    self.containerID = containerID
    self.container = container
    self.pod = pod
    self.namespace = namespace
    self.asked = asked
    self.outcome = outcome
    self.reason = reason
    self.steps = steps
    self.policies = policies
    self.mode = mode
    self.ruleSetID = ruleSetID
    self.generation = generation
    self.bindingID = bindingID
    self.sealed = sealed
    self.notes = notes
  }
}

/// Policies, mapd's memory and the kernel's maps held against each other: the answer to `verify`.
public struct VerificationReport: Codable, Hashable, Sendable {
  /// One thing that is not as it should be.
  public struct Difference: Codable, Hashable, Sendable {
    /// The container's id, or what the difference is in.
    public var place: String
    /// What is in the one and what in the other.
    public var message: String

    public init(place: String, message: String) {
      self.place = place
      self.message = message
    }
  }

  public var containersCount: Int
  public var ruleSetsCount: Int
  public var rulesCount: Int
  public var differences: [Difference]

  public init(containersCount: Int, ruleSetsCount: Int, rulesCount: Int, differences: [Difference]) {
    self.containersCount = containersCount
    self.ruleSetsCount = ruleSetsCount
    self.rulesCount = rulesCount
    self.differences = differences
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A change of the policies: first shown, then made, when the client sends its digest back.
public struct PolicyEdit: Codable, Hashable, Sendable {
  /// `namespace/name` of each policy that changes.
  public var policies: [String]
  /// The file in the policy directory.
  public var file: String
  /// Its text; nil: there is none.
  public var before: String?
  /// Its text afterwards; nil: the file goes.
  public var after: String?
  /// Containers that the policies are for afterwards, as `namespace/pod/name`.
  public var covered: [String]
  /// Containers that no policy is for afterwards: they lose their protection.
  public var losing: [String]
  /// What the operator should know before agreeing.
  public var notes: [String]
  /// Of all of the above. Another one means that something has changed since.
  public var digest: String
  /// It has been made and is in force.
  public var done: Bool

  public init(
    policies: [String], file: String, before: String?, after: String?, covered: [String] = [],
    losing: [String] = [], notes: [String] = [], digest: String = "", done: Bool = false
  ) {
    self.policies = policies
    self.file = file
    self.before = before
    self.after = after
    self.covered = covered
    self.losing = losing
    self.notes = notes
    self.digest = digest
    self.done = done
  }
}

/// Is a policy fit for mode protect? The answer to `readiness`.
public struct ReadinessReport: Codable, Hashable, Sendable {
  public var policy: String
  public var mode: String
  /// Since when the policy has this mode, ISO 8601, UTC.
  public var since: String
  /// Containers it is for now, as `namespace/pod/name`.
  public var containers: [String]
  /// What protect would refuse: seen since then and not allowed by the policy as it is now.
  public var wouldRefuse: [ViolationRecord]
  /// Of these, how many an operator has acknowledged.
  public var acknowledgedCount: Int
  /// Seen since then, and allowed by the policy as it is now.
  public var resolvedCount: Int
  /// What stands against protect; empty: nothing does.
  public var obstacles: [String]

  public init(
    policy: String, mode: String, since: String, containers: [String], wouldRefuse: [ViolationRecord],
    acknowledgedCount: Int, resolvedCount: Int, obstacles: [String]
  ) {
    self.policy = policy
    self.mode = mode
    self.since = since
    self.containers = containers
    self.wouldRefuse = wouldRefuse
    self.acknowledgedCount = acknowledgedCount
    self.resolvedCount = resolvedCount
    self.obstacles = obstacles
  }
}

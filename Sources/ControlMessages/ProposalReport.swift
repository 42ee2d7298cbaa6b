// SPDX-License-Identifier: Apache-2.0

/// What was learned of one workload: an element of the answer to `proposals`.
public struct ProposalReport: Codable, Hashable, Sendable {
  /// One executable of one container.
  public struct Executable: Codable, Hashable, Sendable {
    public var path: String
    /// Is it in the proposal? If not, `unlisted` says why.
    public var listed: Bool
    public var unlisted: String?
    /// Executions counted in the kernel; the ones found running at the start are not among them.
    public var count: UInt64
    /// ISO 8601, UTC.
    public var first: String
    public var last: String
    /// `exec`, `snapshot`.
    public var sources: [String]
    /// `program`, `interpreter`: it ran as one or as both.
    public var roles: [String]
    /// `image`, `writableLayer`, `changed` or `unknown`.
    public var origin: String
    /// The pods, or containers without one, that it ran in; at most 8.
    public var pods: [String]

    public init(
      path: String, listed: Bool, unlisted: String? = nil, count: UInt64, first: String, last: String,
      sources: [String], roles: [String], origin: String, pods: [String]
    ) {
      self.path = path
      self.listed = listed
      self.unlisted = unlisted
      self.count = count
      self.first = first
      self.last = last
      self.sources = sources
      self.roles = roles
      self.origin = origin
      self.pods = pods
    }
  }

  public struct Container: Codable, Hashable, Sendable {
    public var name: String
    public var images: [String]
    public var executables: [Executable]

    public init(name: String, images: [String], executables: [Executable]) {
      self.name = name
      self.images = images
      self.executables = executables
    }
  }

  public var namespace: String
  public var name: String
  public var file: String
  public var first: String
  public var last: String
  public var containers: [Container]
  /// Executables that found no room.
  public var dropped: UInt64
  /// The mode of the policy of the same name; nil: there is none.
  public var policyMode: String?
  /// The WorkloadPolicyProposal.
  public var manifest: String

  public init(
    namespace: String, name: String, file: String, first: String, last: String, containers: [Container],
    dropped: UInt64, policyMode: String? = nil, manifest: String
  ) {
    self.namespace = namespace
    self.name = name
    self.file = file
    self.first = first
    self.last = last
    self.containers = containers
    self.dropped = dropped
    self.policyMode = policyMode
    self.manifest = manifest
  }
}

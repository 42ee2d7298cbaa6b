// SPDX-License-Identifier: Apache-2.0

/// One bound container: an element of the answer to `containers`.
public struct ContainerReport: Codable, Hashable, Sendable {
  /// A listed path that is a symbolic link in the container, and where it leads.
  public struct ResolvedLink: Codable, Hashable, Sendable {
    public var listed: String
    public var resolved: String

    public init(listed: String, resolved: String) {
      self.listed = listed
      self.resolved = resolved
    }
  }

  public var id: String
  public var name: String
  public var pod: String?
  public var namespace: String
  /// The container's init in the initial pid namespace.
  public var pid: Int
  public var cgroupPath: String
  public var cgroupID: UInt64
  /// `namespace/name`, sorted.
  public var policies: [String]
  /// `off`, `learn`, `monitor` or `protect`.
  public var mode: String
  public var ruleSetID: UInt32
  public var generation: UInt32
  public var rulesCount: Int
  /// `lsm`, `fmod_ret`, `kill` or `none`.
  public var attach: String
  /// ISO 8601, UTC.
  public var boundSince: String
  /// The gate has seen the workload start and knows its root and mounts.
  public var sealed: Bool
  /// `starting`, `running`, `stopped` or what mapd calls it.
  public var state: String
  public var resolvedLinks: [ResolvedLink]

  enum CodingKeys: String, CodingKey {
    case id, name, pod, namespace, pid, cgroupPath, policies, mode, generation, rulesCount, attach
    case boundSince, sealed, state, resolvedLinks
    case cgroupID = "cgroupId"
    case ruleSetID = "ruleSetId"
  }

  public init(
    id: String, name: String, pod: String? = nil, namespace: String, pid: Int, cgroupPath: String,
    cgroupID: UInt64, policies: [String], mode: String, ruleSetID: UInt32, generation: UInt32,
    rulesCount: Int, attach: String, boundSince: String, sealed: Bool, state: String,
    resolvedLinks: [ResolvedLink] = []
  ) {
    self.id = id
    self.name = name
    self.pod = pod
    self.namespace = namespace
    self.pid = pid
    self.cgroupPath = cgroupPath
    self.cgroupID = cgroupID
    self.policies = policies
    self.mode = mode
    self.ruleSetID = ruleSetID
    self.generation = generation
    self.rulesCount = rulesCount
    self.attach = attach
    self.boundSince = boundSince
    self.sealed = sealed
    self.state = state
    self.resolvedLinks = resolvedLinks
  }
}

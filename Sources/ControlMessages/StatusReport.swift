// SPDX-License-Identifier: Apache-2.0

/// What mapd and the gate are doing: the answer to `status`.
public struct StatusReport: Codable, Hashable, Sendable {
  /// An attach point that was not taken, and which check failed.
  public struct AttachAttempt: Codable, Hashable, Sendable {
    /// `lsm`, `fmod_ret` or `kill`.
    public var attach: String
    public var reason: String

    public init(attach: String, reason: String) {
      self.attach = attach
      self.reason = reason
    }
  }

  /// Entries of a map, and how many it takes.
  public struct Fill: Codable, Hashable, Sendable {
    public var used: Int
    public var maximum: Int

    public init(used: Int, maximum: Int) {
      self.used = used
      self.maximum = maximum
    }
  }

  public var version: String
  public var kernelRelease: String
  /// The gate is attached and judges every exec. When false nothing else here protects anything.
  public var gateAttached: Bool
  /// `lsm`, `fmod_ret`, `kill` or `none`.
  public var attachPoint: String
  /// What is weaker than it could be; nil when nothing is.
  public var degraded: String?
  /// Attach points that would have been better.
  public var notUsed: [AttachAttempt]
  /// Layout of the pinned maps, HF_LAYOUT.
  public var layout: Int
  public var pid: Int
  /// ISO 8601, UTC.
  public var started: String
  /// The maps were found pinned by an earlier mapd and taken over.
  public var adopted: Bool
  /// /sys/kernel/security/lsm; empty when it could not be read.
  public var lsmList: [String]
  /// The pin directory.
  public var bpffsPath: String
  public var bindings: Fill
  public var ruleSets: Fill
  public var rules: Fill
  /// Sums over all processors, by `CounterName`.
  public var counters: [String: UInt64]
  public var policyProblems: Int
  /// What is not as it should be on this node, a sentence each.
  public var troubles: [String]?
  /// Containers that a hook let start without an answer of mapd, since mapd's start.
  public var openFailures: Int?
  /// What the hook said of the last one.
  public var lastOpenFailure: String?
  /// Events lost because the ring buffer was full; their verdicts stood and are counted.
  public var eventsLost: UInt64

  public init(
    version: String, kernelRelease: String, gateAttached: Bool, attachPoint: String,
    degraded: String? = nil, notUsed: [AttachAttempt] = [], layout: Int, pid: Int, started: String,
    adopted: Bool, lsmList: [String], bpffsPath: String, bindings: Fill, ruleSets: Fill,
    rules: Fill,
    counters: [String: UInt64] = [:], policyProblems: Int, troubles: [String]? = nil, openFailures: Int? = nil,
    lastOpenFailure: String? = nil, eventsLost: UInt64
  ) {
    self.version = version
    self.kernelRelease = kernelRelease
    self.gateAttached = gateAttached
    self.attachPoint = attachPoint
    self.degraded = degraded
    self.notUsed = notUsed
    self.layout = layout
    self.pid = pid
    self.started = started
    self.adopted = adopted
    self.lsmList = lsmList
    self.bpffsPath = bpffsPath
    self.bindings = bindings
    self.ruleSets = ruleSets
    self.rules = rules
    self.counters = counters
    self.policyProblems = policyProblems
    self.troubles = troubles
    self.openFailures = openFailures
    self.lastOpenFailure = lastOpenFailure
    self.eventsLost = eventsLost
  }
}

// SPDX-License-Identifier: Apache-2.0

/// One report of the gate: a line of mapd's log, and an answer to `events`.
public struct ViolationEvent: Codable, Hashable, Sendable {
  /// ISO 8601, UTC, with a fraction of a second; see `Timestamp`.
  public var time: String
  /// `namespace/name`, sorted.
  public var policy: [String]
  public var containerID: String
  public var container: String
  public var pod: String?
  public var namespace: String
  /// The path as the gate walked it. The workload chose it: escape it before showing it.
  public var executable: String
  /// In the initial pid namespace, as all process ids here.
  public var pid: Int
  public var ppid: Int
  /// In the initial user namespace.
  public var uid: Int
  /// The workload chose it: escape it before showing it.
  public var comm: String
  /// `learn`, `monitor` or `protect`.
  public var mode: String
  /// See `VerdictName`.
  public var verdict: String
  /// See `ReasonName`.
  public var reason: String
  /// See `AttachName`.
  public var attach: String
  /// How many times so far, this one included.
  public var count: UInt64
  public var generation: UInt32
  /// The executable ran as the interpreter of a script.
  public var interpreter: Bool
  /// What procfs still told of the process; nil when it was not asked.
  public var process: ProcessDetails?
  /// Why no rule can list the executable; nil when one can.
  public var unlistable: String?

  enum CodingKeys: String, CodingKey {
    case time, policy, container, pod, namespace, executable, pid, ppid, uid, comm, mode, verdict
    case reason, count, generation, interpreter, process, unlistable
    case containerID = "containerId"
    case attach = "attachPoint"
  }

  public init(
    time: String, policy: [String], containerID: String, container: String, pod: String? = nil,
    namespace: String, executable: String, pid: Int, ppid: Int, uid: Int, comm: String,
    mode: String,
    verdict: String, reason: String, attach: String, count: UInt64, generation: UInt32,
    interpreter: Bool, process: ProcessDetails? = nil, unlistable: String? = nil
  ) {
    self.time = time
    self.policy = policy
    self.containerID = containerID
    self.container = container
    self.pod = pod
    self.namespace = namespace
    self.executable = executable
    self.pid = pid
    self.ppid = ppid
    self.uid = uid
    self.comm = comm
    self.mode = mode
    self.verdict = verdict
    self.reason = reason
    self.attach = attach
    self.count = count
    self.generation = generation
    self.interpreter = interpreter
    self.process = process
    self.unlistable = unlistable
  }
}

/// What procfs told of a process when its report came in. The gate itself tells of no arguments:
/// at `lsm` and `fmod_ret` they are in memory that BPF cannot read yet.
public struct ProcessDetails: Codable, Hashable, Sendable {
  /// As the parent's own mount namespace names it.
  public var parentExecutable: String?
  /// At most 32 and 4,096 bytes. The workload chose them: escape them before showing them.
  public var arguments: [String]?
  /// The arguments are those of the program that asked for the exec: it was refused, or has not
  /// happened yet.
  public var areCallers: Bool?
  /// Why there are no arguments.
  public var unknown: String?

  public init(
    parentExecutable: String? = nil, arguments: [String]? = nil, areCallers: Bool? = nil, unknown: String? = nil
  ) {
    self.parentExecutable = parentExecutable
    self.arguments = arguments
    self.areCallers = areCallers
    self.unknown = unknown
  }
}

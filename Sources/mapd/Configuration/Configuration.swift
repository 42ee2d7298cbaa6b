// SPDX-License-Identifier: Apache-2.0
import Policy

/// What mapd.yaml says. All of it is optional; what is not known is refused. What each setting
/// means is said in packaging/mapd.yaml.
public struct Configuration: Hashable, Sendable {
  public static let standardPath = "/etc/holdfast/mapd.yaml"

  /// `learn`: which containers are learned without asking for it.
  public var learn = LearningScope()
  public var logLevel = LogLevel.info
  public var attachPoint = AttachChoice.auto
  public var maps = Maps()
  public var paths = Paths()
  public var runtimes = Runtimes()
  /// `sockets.group`: who may read besides root; nil: nobody.
  public var socketsGroup: String?
  public var metrics = Metrics()
  public var otlp = OTLPSettings()

  public init() {}

  /// From which level on lines are logged.
  public enum LogLevel: String, CaseIterable, Sendable { case debug, info, notice, warning, error, critical }

  public enum AttachChoice: String, CaseIterable, Sendable {
    case auto, lsm, fmodRet = "fmod_ret", kill, none
  }

  /// Entries, when the maps are made.
  public struct Maps: Hashable, Sendable {
    public static let bindingsRange = 1...1_000_000
    public static let rulesRange = 1...16_000_000

    /// HF_BINDINGS_MAX and HF_RULES_MAX of bpf/contract.h; a test compares them.
    public var bindings = 16384
    public var rules = 65536
  }

  public struct Paths: Hashable, Sendable {
    public var run = "/run/holdfast"
    public var state = "/var/lib/holdfast"
    public var policies = "/etc/holdfast/policies.d"
    public var bpffs = "/sys/fs/bpf/holdfast"
    public var gate = "/usr/lib/holdfast/gate.bpf.o"
    public var procfs = "/proc"
  }

  /// Where containers are looked for that run when mapd starts.
  public struct Runtimes: Hashable, Sendable {
    public var state = "/run"
    public var storage = "/var/lib/containers/storage"
    public var ociRoots: [String] = []
  }

  public struct Metrics: Hashable, Sendable {
    /// On metrics.sock in `paths.run`.
    public var socket = true
    /// On this loopback address as well.
    public var address: LoopbackAddress?
  }

  /// Problems of a file, each with its place and what to do.
  public struct Failure: Error, CustomStringConvertible {
    public let problems: [PolicyProblem]
    public var description: String { problems.map(\.description).joined(separator: "; ") }
  }

  /// - Parameter path: nil: the standard file, if it is there.
  public static func load(_ path: String?) throws(Failure) -> Configuration {
    let file = path ?? standardPath
    switch PolicyDirectory.read(file) {
    case .bytes(let bytes): return try parse(bytes, file: file)
    case .unreadable(let reason):
      if !isThere(path) { return Configuration() }
      throw Failure(problems: [PolicyProblem(file: file, message: reason)])
    }
  }

  /// Is there a file to load? A path that is named must lead to one.
  public static func isThere(_ path: String?) -> Bool { path != nil || PolicyDirectory.exists(standardPath) }

  public static func parse(_ bytes: [UInt8], file: String) throws(Failure) -> Configuration {
    var configuration = Configuration()
    let problems = ConfigurationText.read(bytes, file: file) { configuration.read(&$0) }
    guard problems.isEmpty else { throw Failure(problems: problems) }
    return configuration
  }

  /// Settings by name that only a start of mapd puts in force, and that differ in `new`.
  public func settingsForARestart(to new: Configuration) -> [String] {
    let fixed: [(String, Bool)] = [
      ("attachPoint", attachPoint == new.attachPoint), ("maps", maps == new.maps), ("paths", paths == new.paths),
      ("runtimes", runtimes == new.runtimes), ("sockets.group", socketsGroup == new.socketsGroup),
      ("metrics", metrics == new.metrics),
    ]
    return fixed.filter { !$0.1 }.map(\.0)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Policy

/// What mapd knows of a container. Kept on disk too, so that a new mapd knows it.
public struct ContainerRecord: Codable, Sendable {
  public struct Bound: Codable, Sendable {
    /// Index in map `assignments`.
    public var binding: UInt32
    public var ruleSet: UInt32
    public var policies: [String]
    public var mode: UInt8
    public var allow: UInt64
    public var rules: [Rule]
    public var links: [ResolvedLink]
    var lookups: LookupRecord
    /// Seconds since 1970.
    public var since: Int64
    public var sinceNanoseconds: Int32

    public struct Rule: Codable, Sendable {
      var path: PathBytes
      var use: UInt64
    }

    var content: RuleSet {
      RuleSet(
        mode: Mode(rawValue: mode) ?? .protect, allow: RuleSet.Flags(rawValue: allow),
        rules: Dictionary(rules.map { ($0.path.bytes, RuleSet.Use(rawValue: $0.use)) }) { $0.union($1) })
    }

    mutating func set(_ compiled: CompiledRules, policies: [PolicyName]) {
      mode = compiled.ruleSet.mode.rawValue
      allow = compiled.ruleSet.allow.rawValue
      rules = compiled.ruleSet.rules.map { Rule(path: PathBytes($0.key), use: $0.value.rawValue) }
      links = compiled.links
      self.policies = policies.map(\.description)
    }
  }

  public var identity: ContainerIdentity
  public var bundle: String
  public var rootPath: String?
  public var makesPidNamespace: Bool
  public var pid: Int32
  public var initStartTicks: UInt64
  public var cgroup: CgroupLocation
  /// poststart has been seen, or the container was found running.
  public var hasStarted: Bool
  /// nil: no policy is for it; it is not judged.
  public var bound: Bound?

  /// What the last mapd has written down in its run directory, sorted by id; without those
  /// that cannot be read.
  public static func all(inRunDirectory directory: String) -> [ContainerRecord] {
    RecordStore(existing: directory + "/containers").load().records
  }
}

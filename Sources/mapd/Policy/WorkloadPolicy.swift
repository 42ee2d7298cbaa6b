// SPDX-License-Identifier: Apache-2.0

/// What happens to an exec that no rule allows. Ordered from the loosest to the strictest.
public enum PolicyMode: String, Sendable, CaseIterable, Comparable {
  case learn, monitor, protect

  public static func < (a: PolicyMode, b: PolicyMode) -> Bool { a.strictness < b.strictness }
  private var strictness: Int { Self.allCases.firstIndex(of: self)! }
}

/// `spec.otherContainers`: what happens to the containers of a pod that a policy does not name.
public enum OtherContainers: String, Sendable, CaseIterable, Comparable {
  case ignore, monitor, protect

  /// Applies where a policy says nothing: never silent.
  public static let standard = OtherContainers.monitor

  public static func < (a: OtherContainers, b: OtherContainers) -> Bool {
    a.strictness < b.strictness
  }
  private var strictness: Int { Self.allCases.firstIndex(of: self)! }

  /// nil for `ignore`.
  var mode: PolicyMode? {
    switch self {
    case .ignore: nil
    case .monitor: .monitor
    case .protect: .protect
    }
  }
}

/// `spec.runningProcesses`: what happens to a process that runs already when its container comes
/// under a policy in mode protect, and that the policy does not list.
public enum RunningProcesses: String, Sendable, CaseIterable {
  /// Told in mapd's log, and left alone: only execs are judged.
  case report
  /// Told, and killed.
  case kill
}

/// `executables.interpreters`: whether a listed script brings its `#!` interpreter with it.
public enum Interpreters: String, Sendable, CaseIterable {
  /// The interpreter may run for listed scripts only.
  case implied
  /// The interpreter must be listed itself.
  case listed
}

/// `allow`: checks beyond the path that a container is let off. Each relaxes that one thing only.
public struct Relaxations: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let nestedNamespaces = Relaxations(rawValue: 1 << 0)
  public static let writableLayer = Relaxations(rawValue: 1 << 1)
  public static let anonymousFiles = Relaxations(rawValue: 1 << 2)
  public static let laterMounts = Relaxations(rawValue: 1 << 3)

  /// Every relaxation with the name that a policy writes, in the order it is written.
  public static let byName: [(name: String, value: Relaxations)] = [
    ("nestedNamespaces", .nestedNamespaces), ("writableLayer", .writableLayer),
    ("anonymousFiles", .anonymousFiles), ("laterMounts", .laterMounts),
  ]

  public var names: [String] { Self.byName.filter { contains($0.value) }.map(\.name) }
}

/// Namespace and name of a policy. Sorted by namespace, then name.
public struct PolicyName: Hashable, Sendable, Comparable, CustomStringConvertible {
  public var namespace: String
  public var name: String

  public init(namespace: String = "default", name: String) {
    self.namespace = namespace
    self.name = name
  }

  public var description: String { "\(namespace)/\(name)" }

  public static func < (a: PolicyName, b: PolicyName) -> Bool {
    (a.namespace, a.name) < (b.namespace, b.name)
  }
}

public enum PolicyKind: String, Sendable, CaseIterable {
  case policy = "WorkloadPolicy"
  /// What learning proposes. Read and written, never in force.
  case proposal = "WorkloadPolicyProposal"
}

/// What one container may execute.
public struct ContainerRules: Hashable, Sendable {
  /// Sorted, each once.
  public let allowed: [ExecutablePath]
  public let interpreters: Interpreters
  public let relaxations: Relaxations

  public init(
    allowed: [ExecutablePath], interpreters: Interpreters = .implied, relaxations: Relaxations = []
  ) {
    self.allowed = Set(allowed).sorted()
    self.interpreters = interpreters
    self.relaxations = relaxations
  }
}

/// One manifest, checked. Where it was read is not part of it.
public struct WorkloadPolicy: Hashable, Sendable {
  /// The group that this project writes, first; both are read.
  public static let apiVersions = [
    "security.rancher.io/v1alpha1", "runtimeenforcer.kubewarden.io/v1alpha1",
  ]

  public var kind: PolicyKind
  public var apiVersion: String
  public var name: PolicyName
  public var labels: [String: String]
  public var annotations: [String: String]
  /// A proposal that names no mode has `learn`.
  public var mode: PolicyMode
  /// nil: the policy applies where a label or annotation names it.
  public var selector: LabelSelector?
  public var rulesByContainer: [String: ContainerRules]
  /// nil: not written, `OtherContainers.standard` applies.
  public var otherContainers: OtherContainers?
  /// nil: not written, `report` applies.
  public var runningProcesses: RunningProcesses?

  public init(
    kind: PolicyKind = .policy, apiVersion: String = apiVersions[0], name: PolicyName,
    labels: [String: String] = [:], annotations: [String: String] = [:], mode: PolicyMode,
    selector: LabelSelector? = nil, rulesByContainer: [String: ContainerRules] = [:],
    otherContainers: OtherContainers? = nil, runningProcesses: RunningProcesses? = nil
  ) {
    self.kind = kind
    self.apiVersion = apiVersion
    self.name = name
    self.labels = labels
    self.annotations = annotations
    self.mode = mode
    self.selector = selector
    self.rulesByContainer = rulesByContainer
    self.otherContainers = otherContainers
    self.runningProcesses = runningProcesses
  }
}

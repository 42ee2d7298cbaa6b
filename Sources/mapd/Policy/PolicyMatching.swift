// SPDX-License-Identifier: Apache-2.0

/// What is known of a container when its policy is looked up.
public struct WorkloadIdentity: Hashable, Sendable {
  public enum ContainerKind: String, Hashable, Sendable {
    case container
    /// The pause container of a pod, the runtime's own. No manifest names it.
    case sandbox
  }

  public var namespace: String
  public var podLabels: [String: String]
  public var annotations: [String: String]
  public var containerName: String
  public var containerKind: ContainerKind

  /// Labels and annotations whose value is the name of a policy in the same namespace.
  public static let policyKeys = [
    "security.rancher.io/policy", "runtimeenforcer.kubewarden.io/policy",
  ]

  public init(
    namespace: String = "default", podLabels: [String: String] = [:],
    annotations: [String: String] = [:], containerName: String,
    containerKind: ContainerKind = .container
  ) {
    self.namespace = namespace
    self.podLabels = podLabels
    self.annotations = annotations
    self.containerName = containerName
    self.containerKind = containerKind
  }

  /// Names of the policies that the pod asks for.
  var namedPolicies: Set<String> {
    Set(Self.policyKeys.flatMap { [podLabels[$0], annotations[$0]] }.compactMap { $0 })
  }
}

/// One path that a container may execute.
public struct PathRule: Hashable, Sendable {
  public var executable: ExecutablePath
  /// A script at this path brings its `#!` interpreter with it.
  public var interpretersImplied: Bool

  /// Absolute, without a trailing `/`.
  public var path: String { executable.path }
  /// The path and all below it.
  public var isDirectory: Bool { executable.isDirectory }

  public init(_ executable: ExecutablePath, interpretersImplied: Bool) {
    self.executable = executable
    self.interpretersImplied = interpretersImplied
  }
}

/// What all policies together ask for one container. Equal values can share a rule set.
public struct EffectivePolicy: Hashable, Sendable {
  public var mode: PolicyMode
  /// Sorted by path, a file before the directory of the same path.
  public var rules: [PathRule]
  public var relaxations: Relaxations
  /// The policies that match the container, sorted.
  public var policies: [PolicyName]
  /// No policy names the container: the mode comes from `spec.otherContainers` and nothing is
  /// listed.
  public var isOtherContainer: Bool
  /// `kill` where any of the policies says so.
  public var runningProcesses = RunningProcesses.report

  /// Of a container that no policy is for: all is allowed, what is new is reported once.
  public static let learning = EffectivePolicy(
    mode: .learn, rules: [], relaxations: [], policies: [], isOtherContainer: false)
}

public enum PolicyMatch: Hashable, Sendable {
  /// No policy is for this container: it is not judged.
  case unmatched
  /// The policies say so: it is not judged. Sorted.
  case ignored(by: [PolicyName])
  case judged(EffectivePolicy)
}

extension PolicySet {
  /// nil when the container is not to be judged; `match(_:)` tells why. One that no policy is
  /// for is learned, if it or the configuration asks for that.
  public func effective(for workload: WorkloadIdentity) -> EffectivePolicy? {
    switch match(workload) {
    case .judged(let effective): effective
    case .ignored: nil
    case .unmatched: learning.covers(workload) ? .learning : nil
    }
  }

  /// Policies that the pod asks for by label or annotation and that are not in force. The container
  /// is judged by the others only, or not at all, so this belongs in a loud log line.
  public func missing(for workload: WorkloadIdentity) -> [PolicyName] {
    workload.namedPolicies.map { PolicyName(namespace: workload.namespace, name: $0) }
      .filter { policy($0) == nil }.sorted()
  }

  /// Those that are for a container. Without a selector the pod has to ask for the policy by name; a
  /// selector decides alone.
  private func matching(_ workload: WorkloadIdentity) -> [WorkloadPolicy] {
    let named = workload.namedPolicies.compactMap { policy(PolicyName(namespace: workload.namespace, name: $0)) }
    return named.filter { $0.selector == nil }
      + selectingPolicies(workload.namespace).filter { $0.selector?.matches(workload.podLabels) == true }
  }

  /// The outcome does not depend on the order of the policies: unions, intersections and maxima
  /// only.
  ///
  /// - Rules: union over the policies that name the container.
  /// - Mode: the strictest that any matching policy asks for. A policy that does not name the
  ///   container asks for its `otherContainers`, if that is written, so that a further policy can
  ///   list more but never lift what another one asked for.
  /// - Running processes: killed if any matching policy says so.
  /// - Relaxations, and `interpreters: implied` on a path listed twice: only what every policy that
  ///   lists it grants. A relaxation lifts a check as a whole, so one lax policy must not lift it
  ///   for all.
  public func match(_ workload: WorkloadIdentity) -> PolicyMatch {
    let matching = matching(workload)
    guard !matching.isEmpty else { return .unmatched }
    let names = matching.map(\.name).sorted()
    let running = matching.contains { $0.runningProcesses == .kill } ? RunningProcesses.kill : .report
    let naming = matching.compactMap { policy in
      policy.rulesByContainer[workload.containerName].map { (policy.mode, $0) }
    }
    let others = matching.filter { $0.rulesByContainer[workload.containerName] == nil }
    guard !naming.isEmpty else {
      // Only the runtime's pause process lives there, and no manifest can list it.
      if workload.containerKind == .sandbox { return .ignored(by: names) }
      guard let mode = others.compactMap({ ($0.otherContainers ?? .standard).mode }).max() else {
        return .ignored(by: names)
      }
      return .judged(
        EffectivePolicy(
          mode: mode, rules: [], relaxations: [], policies: names, isOtherContainer: true,
          runningProcesses: running))
    }
    let modes = naming.map(\.0) + others.compactMap { $0.otherContainers?.mode }
    var implied: [ExecutablePath: Bool] = [:]
    for (_, rules) in naming {
      for path in rules.allowed {
        implied[path] = implied[path, default: true] && rules.interpreters == .implied
      }
    }
    let relaxations = naming.dropFirst().reduce(naming[0].1.relaxations) {
      $0.intersection($1.1.relaxations)
    }
    return .judged(
      EffectivePolicy(
        mode: modes.max()!,
        rules: implied.keys.sorted().map {
          PathRule($0, interpretersImplied: implied[$0]!)
        },
        relaxations: relaxations, policies: names, isOtherContainer: false, runningProcesses: running))
  }
}

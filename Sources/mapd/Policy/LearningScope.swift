// SPDX-License-Identifier: Apache-2.0

/// Which containers are learned while no policy is for them: those whose pod asks for it, and
/// those that mapd's configuration names. Processes outside of containers never are.
public struct LearningScope: Hashable, Sendable {
  /// A label or annotation of the pod; the value `true` asks to be learned, `false` not to be,
  /// whatever the configuration says.
  public static let key = "security.rancher.io/learn"

  public var all: Bool
  public var namespaces: Set<String>

  public init(all: Bool = false, namespaces: Set<String> = []) {
    self.all = all
    self.namespaces = namespaces
  }

  func covers(_ workload: WorkloadIdentity) -> Bool {
    // The runtime's own pause process is the same in each pod.
    guard workload.containerKind != .sandbox else { return false }
    switch workload.podLabels[Self.key] ?? workload.annotations[Self.key] {
    case "true": return true
    case "false": return false
    default: return all || namespaces.contains(workload.namespace)
    }
  }
}

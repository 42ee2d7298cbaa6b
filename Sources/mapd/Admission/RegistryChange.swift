// SPDX-License-Identifier: Apache-2.0
import Policy

extension ContainerRegistry {
  /// Reads the policies and applies them as one step: nobody else can apply older ones between.
  /// - Returns: what was in force before and what is now.
  public func update(_ load: @Sendable (PolicySet) -> PolicySet) -> (old: PolicySet, new: PolicySet) {
    let old = policies
    let new = load(old)
    if new != old { apply(new) }
    return (old, new)
  }

  /// Containers by the beginning of their id, or by name; the exact ones when there are any.
  public nonisolated func containers(named text: String) -> [ContainerRecord] {
    if let exact = index.record(text) { return [exact] }
    let all = allContainers()
    let byName = all.filter { $0.identity.name == text || $0.place == text }
    return byName.isEmpty ? all.filter { $0.identity.id.hasPrefix(text) } : byName
  }

  /// All containers that are known, bound or not. Sorted by id.
  public nonisolated func allContainers() -> [ContainerRecord] {
    index.records.values.sorted { $0.identity.id < $1.identity.id }
  }
}

extension ContainerRecord {
  /// `namespace/pod/name`, as people tell containers apart.
  public var place: String {
    [identity.namespace, identity.pod, identity.name].compactMap { $0 }.joined(separator: "/")
  }
}

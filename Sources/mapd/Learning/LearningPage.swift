// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement
import Observation
import Policy

/// A workload as it is on disk beside its proposal: where each executable was seen, and how far
/// the kernel's counts were taken.
struct LearningPage: Codable {
  struct Executable: Codable {
    /// For people; the bytes count.
    var path: String
    var learned: LearningBook.Executable
    var seen: [SeenReport]
  }

  struct Container: Codable {
    var name: String
    var images: [String]
    var executables: [Executable]
  }

  var namespace: String
  var name: String
  var labels: [String: String]?
  var first: String
  var last: String
  var dropped: UInt64
  var boot: String?
  var containers: [Container]

  init(_ workload: LearningBook.Workload, boot: String?) {
    namespace = workload.name.namespace
    name = workload.name.name
    labels = workload.labels
    first = workload.first
    last = workload.last
    dropped = workload.dropped
    self.boot = boot
    containers = workload.containers.sorted { $0.key < $1.key }.map { name, container in
      Container(
        name: name, images: container.images.sorted(),
        executables: container.sorted.map {
          Executable(
            path: String(decoding: $0.path, as: UTF8.self), learned: $0, seen: $0.seen.map(SeenReport.init))
        })
    }
  }

  /// - Parameter boot: of now; the kernel's counts of another one are over.
  func workload(boot: String?) -> LearningBook.Workload {
    var workload = LearningBook.Workload(
      name: PolicyName(namespace: namespace, name: name), labels: labels, first: first, last: last, dropped: dropped)
    for container in containers {
      var content = LearningBook.Container(images: Set(container.images))
      for one in container.executables {
        var executable = one.learned
        if boot == self.boot { executable.seen = Dictionary(one.seen.map { ($0.key, $0.count) }) { max($0, $1) } }
        content.executables[executable.path] = executable
      }
      workload.containers[container.name] = content
    }
    return workload
  }
}

extension LearningBook.Container {
  /// By path, byte by byte.
  var sorted: [LearningBook.Executable] {
    executables.values.sorted { $0.path.lexicographicallyPrecedes($1.path) }
  }
}

extension LearningBook.Workload {
  /// The proposal: the same for the same executables, whatever the order they came in.
  var proposal: WorkloadPolicy {
    var rules: [String: ContainerRules] = [:]
    for (name, container) in containers where SpecificationReader.isContainerName(name) {
      let allowed = container.sorted.filter(\.isListed).compactMap { executable in
        String(validating: executable.path, as: UTF8.self).flatMap { try? ExecutablePath($0) }
      }
      rules[name] = ContainerRules(allowed: allowed)
    }
    let selector = labels.flatMap { $0.isEmpty ? nil : LabelSelector(matchLabels: $0) }
    return WorkloadPolicy(kind: .proposal, name: name, mode: .learn, selector: selector, rulesByContainer: rules)
  }

  func report(file: String) -> ProposalReport {
    ProposalReport(
      namespace: name.namespace, name: name.name, file: file, first: first, last: last,
      containers: containers.sorted { $0.key < $1.key }.map { name, container in
        .init(
          name: name, images: container.images.sorted(),
          executables: container.sorted.map { one in
            .init(
              path: String(decoding: one.path, as: UTF8.self), listed: one.isListed,
              unlisted: one.isListed
                ? nil : one.unlisted ?? "it ran as the interpreter of scripts only, which bring it",
              count: one.count, first: one.first, last: one.last, sources: one.sources.sorted(),
              roles: one.roles.sorted(), origin: one.origin, pods: one.pods)
          })
      }, dropped: dropped, manifest: (try? PolicyEmitter.yaml(proposal)) ?? "")
  }
}

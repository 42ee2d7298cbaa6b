// SPDX-License-Identifier: Apache-2.0
import Admission
import Foundation
import Policy

/// The name that all replicas and rollouts of a workload share, which is that of its proposal.
enum WorkloadName {
  /// The policy that the pod asks for, else the pod's name without what its controller made up,
  /// else the container's name, else its image, else the beginning of its id.
  static func of(_ identity: ContainerIdentity) -> PolicyName? {
    let text =
      asked(identity) ?? identity.pod.map { withoutSuffix($0, labels: identity.labels) }
      ?? (identity.name != identity.id || !isGenerated(identity.id) ? identity.name : nil)
      ?? identity.image.map(imageName) ?? String(identity.id.prefix(12))
    guard let name = dns(text), dns(identity.namespace) == identity.namespace, identity.namespace.utf8.count <= 63
    else { return nil }
    return PolicyName(namespace: identity.namespace, name: name)
  }

  /// The policy of that name need not be there: then a container is learned.
  static func asked(_ identity: ContainerIdentity) -> String? {
    for key in WorkloadIdentity.policyKeys {
      if let name = identity.labels[key] ?? identity.annotations[key], !name.isEmpty { return name }
    }
    return nil
  }

  static func withoutSuffix(_ pod: String, labels: [String: String]) -> String {
    for key in ["batch.kubernetes.io/job-name", "job-name"] {
      // A CronJob's jobs end in the minute they were made for.
      if let job = labels[key] { return trimmed(job, 1) { $0.allSatisfy(\.isNumber) && $0.count >= 8 } }
    }
    if let hash = labels["pod-template-hash"], let range = pod.range(of: "-\(hash)-", options: .backwards) {
      return String(pod[..<range.lowerBound])
    }
    // ReplicaSet: -<hash>-<5>; DaemonSet: -<5>; StatefulSet: -<number>.
    let parts = pod.split(separator: "-", omittingEmptySubsequences: false)
    if parts.count > 2, isRandom(parts[parts.count - 1], 5...5), isRandom(parts[parts.count - 2], 6...10),
      parts[parts.count - 2].contains(where: \.isNumber)
    {
      return parts.dropLast(2).joined(separator: "-")
    }
    let isRevised = labels["controller-revision-hash"] != nil
    return trimmed(pod, 1) {
      isRandom($0, 5...5) && (isRevised || $0.contains(where: \.isNumber))
        || !$0.isEmpty && $0.count <= 5 && $0.allSatisfy(\.isNumber)
    }
  }

  private static func trimmed(_ text: String, _ least: Int, _ isSuffix: (Substring) -> Bool) -> String {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count > least, isSuffix(parts.last!) else { return text }
    return parts.dropLast().joined(separator: "-")
  }

  /// Kubernetes makes up names without vowels and without digits that look like letters.
  private static func isRandom(_ text: Substring, _ length: ClosedRange<Int>) -> Bool {
    length.contains(text.count) && text.allSatisfy { "bcdfghjklmnpqrstvwxz2456789".contains($0) }
  }

  private static func isGenerated(_ id: String) -> Bool {
    id.utf8.count >= 32 && id.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  /// `registry:5000/team/web:1.2@sha256:…` is `web`.
  private static func imageName(_ image: String) -> String {
    let last = image.split(separator: "/").last ?? ""
    return String(last.prefix { $0 != ":" && $0 != "@" })
  }

  /// As Kubernetes takes names; nil: nothing is left.
  private static func dns(_ text: String) -> String? {
    let plain = text.lowercased().utf8.map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
        UInt8(ascii: "."):
        byte
      default: UInt8(ascii: "-")
      }
    }
    let parts = plain.split(separator: UInt8(ascii: ".")).map { part in
      let start = part.drop { $0 == UInt8(ascii: "-") }
      return Array(start.reversed().drop { $0 == UInt8(ascii: "-") }.reversed())
    }.filter { !$0.isEmpty }
    let name = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
    return name.isEmpty ? nil : String(name.prefix(200)).trimmingEnd()
  }
}

extension String {
  /// Cut in the middle, a name may end in a dot or a dash.
  fileprivate func trimmingEnd() -> String {
    var text = self[...]
    while let last = text.last, last == "-" || last == "." { text = text.dropLast() }
    return String(text)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The Kubernetes object that a pod was made for.
public struct WorkloadOwner: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable {
    case deployment = "Deployment"
    case cronJob = "CronJob"
    case statefulSet = "StatefulSet"
    case job = "Job"
  }
  public var kind: Kind
  public var name: String

  /// Only where names or labels leave no doubt; a pod `web-0` can be anyone's.
  static func of(pod: String?, labels: [String: String]) -> WorkloadOwner? {
    guard let pod else { return nil }
    return byLabels(pod, labels) ?? byName(pod)
  }

  /// Labels that controllers of Kubernetes set themselves, where the pod's name agrees.
  private static func byLabels(_ pod: String, _ labels: [String: String]) -> WorkloadOwner? {
    if labels["statefulset.kubernetes.io/pod-name"] == pod, let (name, ordinal) = split(pod), UInt32(ordinal) != nil {
      return WorkloadOwner(kind: .statefulSet, name: name)
    }
    guard let (rest, _) = split(pod) else { return nil }
    if let hash = labels["pod-template-hash"], let (name, last) = split(rest), last == hash {
      return WorkloadOwner(kind: .deployment, name: name)
    }
    if let job = labels["batch.kubernetes.io/job-name"] ?? labels["job-name"], job == rest {
      return byName(pod) ?? WorkloadOwner(kind: .job, name: job)
    }
    return nil
  }

  private static func byName(_ pod: String) -> WorkloadOwner? {
    // The last five characters of a generated name, from an alphabet without vowels.
    guard let (rest, suffix) = split(pod), suffix.utf8.count == 5, suffix.utf8.allSatisfy(isGenerated),
      let (name, middle) = split(rest)
    else { return nil }
    // A ReplicaSet's hash is a 32-bit number of which each digit became one of ten characters.
    // Digits alone could be a number that somebody chose.
    if (8...10).contains(middle.utf8.count), middle.utf8.allSatisfy(isHashDigit), UInt64(middle) == nil {
      return WorkloadOwner(kind: .deployment, name: name)
    }
    // A CronJob's jobs are named by minutes since 1970; those of 2000 to 2040.
    if middle.utf8.count == 8, let minutes = UInt32(middle), (15_778_080...36_815_040).contains(minutes) {
      return WorkloadOwner(kind: .cronJob, name: name)
    }
    return nil
  }

  private static func split(_ text: String) -> (String, String)? {
    guard let dash = text.lastIndex(of: "-"), dash != text.startIndex else { return nil }
    return (String(text[..<dash]), String(text[text.index(after: dash)...]))
  }

  private static func isGenerated(_ byte: UInt8) -> Bool { "bcdfghjklmnpqrstvwxz2456789".utf8.contains(byte) }
  private static func isHashDigit(_ byte: UInt8) -> Bool { "456789bcdf".utf8.contains(byte) }
}

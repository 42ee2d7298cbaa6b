// SPDX-License-Identifier: Apache-2.0

/// A Kubernetes label selector: every requirement must hold. Without any it selects every pod of
/// the namespace, as in Kubernetes.
public struct LabelSelector: Hashable, Sendable {
  public var matchLabels: [String: String]
  public var matchExpressions: [Requirement]

  public init(matchLabels: [String: String] = [:], matchExpressions: [Requirement] = []) {
    self.matchLabels = matchLabels
    self.matchExpressions = matchExpressions
  }

  public struct Requirement: Hashable, Sendable {
    public enum Operator: String, Sendable, CaseIterable {
      case isIn = "In"
      case isNotIn = "NotIn"
      case exists = "Exists"
      case doesNotExist = "DoesNotExist"

      var takesValues: Bool { self == .isIn || self == .isNotIn }
    }

    public var key: String
    public var `operator`: Operator
    public var values: [String]

    public init(key: String, operator: Operator, values: [String] = []) {
      self.key = key
      self.operator = `operator`
      self.values = values
    }

    func matches(_ labels: [String: String]) -> Bool {
      switch self.operator {
      case .isIn: labels[key].map(values.contains) ?? false
      // A pod without the label is selected too, as in Kubernetes.
      case .isNotIn: !(labels[key].map(values.contains) ?? false)
      case .exists: labels[key] != nil
      case .doesNotExist: labels[key] == nil
      }
    }
  }

  public func matches(_ labels: [String: String]) -> Bool {
    matchLabels.allSatisfy { labels[$0.key] == $0.value }
      && matchExpressions.allSatisfy { $0.matches(labels) }
  }
}

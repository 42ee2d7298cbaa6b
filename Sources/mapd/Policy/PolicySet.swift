// SPDX-License-Identifier: Apache-2.0
import Dispatch

/// What a policy directory holds at one moment. A file that could not be read carries the reason.
public struct PolicyFile: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    case bytes([UInt8])
    /// What failed and why, as "cannot be read: Permission denied".
    case unreadable(String)
  }

  public var name: String
  public var content: Content

  public init(name: String, content: Content) {
    self.name = name
    self.content = content
  }
}

/// A policy with the place it was read from.
public struct PlacedPolicy: Hashable, Sendable {
  public var policy: WorkloadPolicy
  public var file: String
  public var line: Int
  /// The file has become bad since; this is its last good version, still in force.
  public var isLastGood: Bool
}

/// The policies of a directory, as one value: whoever holds it sees all of a change or nothing of
/// it.
///
/// A bad file changes nothing: the last good version of that file stays in force, or none if there
/// was none. A removed file takes its policies with it.
public struct PolicySet: Hashable, Sendable {
  /// Sorted by namespace and name.
  public let policies: [PlacedPolicy]
  /// Sorted by namespace and name; never in force.
  public let proposals: [PlacedPolicy]
  /// Sorted by file and line.
  public let problems: [PolicyProblem]

  /// Who is learned while no policy is for it. Not from the directory: from mapd's configuration.
  public var learning = LearningScope()

  /// Good content by file, last good where the present content is bad.
  private let files: [String: [PlacedPolicy]]
  /// In force, by namespace.
  let byNamespace: [String: NamespacePolicies]

  public static let empty = PolicySet(files: [:], problems: [])

  /// Reads all files anew. The same files give the same set whatever their order.
  /// - Parameter previous: what has been in force, for the files that have become bad.
  public init(files: [PolicyFile], previous: PolicySet = .empty) {
    var good: [String: [PlacedPolicy]] = [:]
    var problems: [PolicyProblem] = []
    for (file, result) in zip(files, Self.parse(files)) {
      let found = result.problems
      if found.isEmpty {
        good[file.name] = result.policies.map {
          PlacedPolicy(policy: $0.policy, file: file.name, line: $0.line, isLastGood: false)
        }
      }
      if !found.isEmpty, let last = previous.files[file.name] {
        good[file.name] = last.map {
          var placed = $0
          placed.isLastGood = true
          return placed
        }
      }
      problems += found
    }
    self.init(files: good, problems: problems)
    learning = previous.learning
  }

  /// Of each file, in their order. Thousands are parsed on all processors: at its start mapd answers
  /// no hook before it knows its policies.
  private static func parse(_ files: [PolicyFile]) -> [PolicyParser.Result] {
    var results = [PolicyParser.Result](repeating: ([], []), count: files.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      let each = 64
      DispatchQueue.concurrentPerform(iterations: (files.count + each - 1) / each) { part in
        for index in part * each..<min((part + 1) * each, files.count) {
          let file = files[index]
          switch file.content {
          case .bytes(let bytes): results[index] = PolicyParser.parse(bytes, file: file.name)
          case .unreadable(let reason):
            results[index] = ([], [PolicyProblem(file: file.name, message: reason)])
          }
        }
      }
    }
    return results
  }

  /// The directory itself could not be read. Everything stays in force: losing sight of the
  /// policies must not lift them.
  public init(previous: PolicySet, unreadable directory: String, reason: String) {
    self.init(
      files: previous.files.mapValues {
        $0.map {
          var placed = $0
          placed.isLastGood = true
          return placed
        }
      },
      problems: [PolicyProblem(file: directory, message: reason)])
    learning = previous.learning
  }

  /// No policies, and who is to be learned.
  public static func empty(learning: LearningScope) -> PolicySet {
    var set = PolicySet.empty
    set.learning = learning
    return set
  }

  private init(files: [String: [PlacedPolicy]], problems: [PolicyProblem]) {
    var problems = problems
    var first: [PolicyKind: [PolicyName: PlacedPolicy]] = [:]
    let ordered = files.values.flatMap { $0 }.sorted { ($0.file, $0.line) < ($1.file, $1.line) }
    for placed in ordered {
      if let earlier = first[placed.policy.kind, default: [:]][placed.policy.name] {
        problems.append(
          PolicyProblem(
            file: placed.file, line: placed.line, field: "metadata.name",
            message:
              "\(placed.policy.kind.rawValue) \(placed.policy.name) is already defined in \(earlier.file):\(earlier.line), which is in force; keep one, or rename one"
          ))
      } else {
        first[placed.policy.kind, default: [:]][placed.policy.name] = placed
      }
    }
    func sorted(_ kind: PolicyKind) -> [PlacedPolicy] {
      first[kind, default: [:]].values.sorted { $0.policy.name < $1.policy.name }
    }
    self.files = files
    self.policies = sorted(.policy)
    self.proposals = sorted(.proposal)
    self.problems = problems.sorted()
    self.byNamespace = Dictionary(grouping: policies.map(\.policy)) { $0.name.namespace }
      .mapValues(NamespacePolicies.init)
  }
}

// SPDX-License-Identifier: Apache-2.0

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

/// The last good content of a file.
private struct KnownFile: Hashable, Sendable {
  var policies: [PlacedPolicy]
  /// nil: what the file holds now is something else, and bad.
  var digest: ContentDigest?

  var asLastGood: KnownFile {
    KnownFile(
      policies: policies.map {
        var placed = $0
        placed.isLastGood = true
        return placed
      }, digest: nil)
  }
}

/// 128 bits of SipHash with keys of this process alone: nobody can write a file that is taken for another.
private struct ContentDigest: Hashable, Sendable {
  private let first: Int
  private let second: Int

  init(_ bytes: [UInt8]) {
    func half(_ key: UInt8) -> Int {
      var hasher = Hasher()
      hasher.combine(key)
      bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
      return hasher.finalize()
    }
    first = half(1)
    second = half(2)
  }
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
  private let files: [String: KnownFile]
  /// Where in `policies` those with a selector are, by namespace: a container's are found without a look
  /// at each, of which a node may have thousands.
  private let selecting: [String: [Int]]

  public static let empty = PolicySet(files: [:], problems: [])

  /// Of all files; only those are parsed that are not as they were. The same files give the same set
  /// whatever their order.
  /// - Parameter previous: what has been in force, for the files that have become bad.
  public init(files: [PolicyFile], previous: PolicySet = .empty) {
    var known: [String: KnownFile] = [:]
    var problems: [PolicyProblem] = []
    let results = files.concurrentMap { Self.parse($0, known: previous.files[$0.name]) }
    for (file, result) in zip(files, results) {
      known[file.name] = result.file
      problems += result.problems
    }
    self.init(files: known, problems: problems)
    learning = previous.learning
  }

  private static func parse(
    _ file: PolicyFile, known: KnownFile?
  ) -> (file: KnownFile?, problems: [PolicyProblem]) {
    guard case .bytes(let bytes) = file.content else {
      guard case .unreadable(let reason) = file.content else { return (nil, []) }
      return (known?.asLastGood, [PolicyProblem(file: file.name, message: reason)])
    }
    let digest = ContentDigest(bytes)
    if let known, known.digest == digest { return (known, []) }
    let (policies, problems) = PolicyParser.parse(bytes, file: file.name)
    guard problems.isEmpty else { return (known?.asLastGood, problems) }
    return (
      KnownFile(
        policies: policies.map { PlacedPolicy(policy: $0.policy, file: file.name, line: $0.line, isLastGood: false) },
        digest: digest), []
    )
  }

  /// The directory itself could not be read. Everything stays in force: losing sight of the
  /// policies must not lift them.
  public init(previous: PolicySet, unreadable directory: String, reason: String) {
    self.init(
      files: previous.files.mapValues(\.asLastGood),
      problems: [PolicyProblem(file: directory, message: reason)])
    learning = previous.learning
  }

  /// No policies, and who is to be learned.
  public static func empty(learning: LearningScope) -> PolicySet {
    var set = PolicySet.empty
    set.learning = learning
    return set
  }

  private init(files: [String: KnownFile], problems: [PolicyProblem]) {
    var problems = problems
    var first: [PolicyKind: [PolicyName: PlacedPolicy]] = [:]
    let ordered = files.values.flatMap(\.policies).sorted { ($0.file, $0.line) < ($1.file, $1.line) }
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
    self.proposals = sorted(.proposal)
    self.problems = problems.sorted()
    let policies = sorted(.policy)
    self.policies = policies
    self.selecting = Dictionary(grouping: policies.indices.filter { policies[$0].policy.selector != nil }) {
      policies[$0].policy.name.namespace
    }
  }

  /// In force, by name.
  func policy(_ name: PolicyName) -> WorkloadPolicy? {
    var low = 0
    var high = policies.count
    while low < high {
      let middle = (low + high) / 2
      if policies[middle].policy.name < name { low = middle + 1 } else { high = middle }
    }
    return low < policies.count && policies[low].policy.name == name ? policies[low].policy : nil
  }

  /// In force, with a selector.
  func selectingPolicies(_ namespace: String) -> [WorkloadPolicy] {
    selecting[namespace, default: []].map { policies[$0].policy }
  }
}

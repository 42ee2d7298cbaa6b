// SPDX-License-Identifier: Apache-2.0
import Policy

/// What mapd.yaml says. All of it is optional; what is not known is refused.
public struct Configuration: Hashable, Sendable {
  public static let standardPath = "/etc/holdfast/mapd.yaml"

  /// `learn`: which containers are learned without asking for it.
  public var learn = LearningScope()

  public init() {}

  /// Problems of a file, each with its place and what to do.
  public struct Failure: Error, CustomStringConvertible {
    public let problems: [PolicyProblem]
    public var description: String { problems.map(\.description).joined(separator: "; ") }
  }

  /// - Parameter path: nil: the standard file, if it is there.
  public static func load(_ path: String?) throws(Failure) -> Configuration {
    let file = path ?? standardPath
    switch PolicyDirectory.read(file) {
    case .bytes(let bytes): return try parse(bytes, file: file)
    case .unreadable(let reason):
      if path == nil, !PolicyDirectory.exists(file) { return Configuration() }
      throw Failure(problems: [PolicyProblem(file: file, message: reason)])
    }
  }

  public static func parse(_ bytes: [UInt8], file: String) throws(Failure) -> Configuration {
    var configuration = Configuration()
    let problems = ConfigurationText.read(bytes, file: file) { fields in
      if let learn = fields.takeSet("learn") { read(learn, into: &configuration.learn) }
    }
    guard problems.isEmpty else { throw Failure(problems: problems) }
    return configuration
  }

  private static func read(_ field: Field, into scope: inout LearningScope) {
    guard var fields = Fields(field) else { return }
    if let all = fields.takeSet("all") { scope.all = all.boolean() ?? false }
    if let namespaces = fields.takeSet("namespaces") {
      scope.namespaces = Set((namespaces.list() ?? []).compactMap { $0.text() })
    }
    fields.refuseRest()
  }
}

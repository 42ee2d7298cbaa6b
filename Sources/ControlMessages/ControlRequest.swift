// SPDX-License-Identifier: Apache-2.0

/// One line of JSON that a client writes to the control socket; one request a connection.
///
///     {"version":1,"command":"events","follow":true,"limit":20}
public struct ControlRequest: Codable, Hashable, Sendable {
  /// Raised when a client of before could misread an answer. Fields may be added without.
  public static let currentVersion = 1
  /// A longer request is refused: deny, with an answer. A policy file has at most 1 MiB, which
  /// JSON may write twice as long.
  public static let maxBytes = 2 << 20

  public enum Command: String, Codable, Hashable, Sendable, CaseIterable {
    case status, containers, policies, events, trace
    case violations, acknowledge, allow, explain, verify
    case proposals, promote, apply, delete, setMode, readiness

    /// Changes something, if only what the gate tells: for root alone.
    public var isChange: Bool {
      switch self {
      case .trace, .acknowledge, .allow, .promote, .apply, .delete, .setMode: true
      default: false
      }
    }
  }

  public var version: Int
  /// Kept as text, so that mapd can answer to a command it does not know.
  public var command: String
  /// `events`: go on with what happens from now on.
  public var follow: Bool?
  /// `events`: at most this many of the past, the latest ones. nil: all that mapd remembers.
  public var limit: Int?

  /// A policy or proposal: `namespace/name`, or the name alone where only one has it.
  public var policy: String?
  /// `acknowledge`, `allow`: the violation.
  public var id: UInt64?
  /// `explain`, `trace`: a container's id or its beginning, or its name. `trace`: nil is all.
  public var container: String?
  /// `explain`: an absolute path in the container.
  public var path: String?
  /// `promote`, `setMode`: the mode that is wanted.
  public var mode: String?
  /// `apply`: the text of a policy file.
  public var manifest: String?
  /// Changes of policy: the digest of the edit that was shown and agreed to. nil: only show it.
  public var agreed: String?

  public init(
    _ command: Command, follow: Bool? = nil, limit: Int? = nil, policy: String? = nil, id: UInt64? = nil,
    container: String? = nil, path: String? = nil, mode: String? = nil, manifest: String? = nil
  ) {
    self.version = Self.currentVersion
    self.command = command.rawValue
    self.follow = follow
    self.limit = limit
    self.policy = policy
    self.id = id
    self.container = container
    self.path = path
    self.mode = mode
    self.manifest = manifest
  }

  /// What is wrong with the request, or nil and the command is known.
  public var failure: ControlFailure? {
    if version != Self.currentVersion {
      return ControlFailure(
        message:
          "version \(version) of the control protocol is not spoken here, \(Self.currentVersion) is",
        remedy: "install mapctl and mapd of the same release")
    }
    if Command(rawValue: command) == nil {
      return ControlFailure(
        message: "the command is not known",
        remedy: "use one of \(Command.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    if let limit, limit < 0 {
      return ControlFailure(message: "the limit \(limit) is negative", remedy: "use 0 or more")
    }
    return nil
  }
}

/// Why mapd did not do what was asked, and what the operator can do.
public struct ControlFailure: Codable, Hashable, Sendable, Error {
  public var message: String
  public var remedy: String?

  public init(message: String, remedy: String? = nil) {
    self.message = message
    self.remedy = remedy
  }
}

/// One line of JSON that mapd writes. `status`, `containers` and `policies` are answered by one
/// line. `events`, `violations` and `trace` by one line for each, then, unless following, one line
/// with `end`: an answer without it was cut off.
public struct ControlResponse: Codable, Hashable, Sendable {
  public var ok: Bool
  public var error: ControlFailure?
  public var status: StatusReport?
  public var containers: [ContainerReport]?
  public var policies: [PolicyReport]?
  public var event: ViolationEvent?
  public var violation: ViolationRecord?
  public var explanation: Explanation?
  public var verification: VerificationReport?
  public var proposals: [ProposalReport]?
  public var edit: PolicyEdit?
  public var readiness: ReadinessReport?
  public var end: Bool?

  private init(ok: Bool) { self.ok = ok }

  private static func answer<Value>(_ field: WritableKeyPath<Self, Value?>, _ value: Value) -> Self {
    var response = ControlResponse(ok: true)
    response[keyPath: field] = value
    return response
  }

  public static func failure(_ failure: ControlFailure) -> ControlResponse {
    var response = ControlResponse(ok: false)
    response.error = failure
    return response
  }

  public static func status(_ status: StatusReport) -> ControlResponse { answer(\.status, status) }
  public static func containers(_ containers: [ContainerReport]) -> ControlResponse { answer(\.containers, containers) }
  public static func policies(_ policies: [PolicyReport]) -> ControlResponse { answer(\.policies, policies) }
  public static func event(_ event: ViolationEvent) -> ControlResponse { answer(\.event, event) }

  /// The last line of `events` without `follow`.
  public static var end: ControlResponse { answer(\.end, true) }

  public static func violation(_ record: ViolationRecord) -> ControlResponse { answer(\.violation, record) }
  public static func explanation(_ explanation: Explanation) -> ControlResponse { answer(\.explanation, explanation) }
  public static func verification(_ verification: VerificationReport) -> ControlResponse {
    answer(\.verification, verification)
  }
  public static func proposals(_ proposals: [ProposalReport]) -> ControlResponse { answer(\.proposals, proposals) }
  public static func edit(_ edit: PolicyEdit) -> ControlResponse { answer(\.edit, edit) }
  public static func readiness(_ readiness: ReadinessReport) -> ControlResponse { answer(\.readiness, readiness) }
}

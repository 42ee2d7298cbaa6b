// SPDX-License-Identifier: Apache-2.0

/// One line of JSON that a client writes to the control socket; one request a connection.
///
///     {"version":1,"command":"events","follow":true,"limit":20}
public struct ControlRequest: Codable, Hashable, Sendable {
  /// Raised when a client of before could misread an answer. Fields may be added without.
  public static let currentVersion = 1
  /// A longer request is refused: deny, with an answer.
  public static let maxBytes = 4096

  public enum Command: String, Codable, Hashable, Sendable, CaseIterable {
    case status, containers, policies, events
  }

  public var version: Int
  /// Kept as text, so that mapd can answer to a command it does not know.
  public var command: String
  /// `events`: go on with what happens from now on.
  public var follow: Bool?
  /// `events`: at most this many of the past, the latest ones. nil: all that mapd remembers.
  public var limit: Int?

  public init(_ command: Command, follow: Bool? = nil, limit: Int? = nil) {
    self.version = Self.currentVersion
    self.command = command.rawValue
    self.follow = follow
    self.limit = limit
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
/// line. `events` by one line for each event, then, unless following, one line with `end`: an
/// answer without it was cut off.
public struct ControlResponse: Codable, Hashable, Sendable {
  public var ok: Bool
  public var error: ControlFailure?
  public var status: StatusReport?
  public var containers: [ContainerReport]?
  public var policies: [PolicyReport]?
  public var event: ViolationEvent?
  public var end: Bool?

  private init(ok: Bool) { self.ok = ok }

  public static func failure(_ failure: ControlFailure) -> ControlResponse {
    var response = ControlResponse(ok: false)
    response.error = failure
    return response
  }

  public static func status(_ status: StatusReport) -> ControlResponse {
    var response = ControlResponse(ok: true)
    response.status = status
    return response
  }

  public static func containers(_ containers: [ContainerReport]) -> ControlResponse {
    var response = ControlResponse(ok: true)
    response.containers = containers
    return response
  }

  public static func policies(_ policies: [PolicyReport]) -> ControlResponse {
    var response = ControlResponse(ok: true)
    response.policies = policies
    return response
  }

  public static func event(_ event: ViolationEvent) -> ControlResponse {
    var response = ControlResponse(ok: true)
    response.event = event
    return response
  }

  /// The last line of `events` without `follow`.
  public static var end: ControlResponse {
    var response = ControlResponse(ok: true)
    response.end = true
    return response
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What mapd answers to a ``HookRequest``.
public struct HookAnswer: Sendable, Equatable {
  public enum Outcome: UInt8, Sendable, Equatable {
    /// A rule set is in force for the container.
    case bound = 1
    /// No policy is for the container; it runs unjudged.
    case unmanaged = 2
    /// poststart: the binding is that of the running process.
    case confirmed = 3
    /// poststop: the binding is gone.
    case removed = 4
    /// mapd decided that the container must not run.
    case refused = 5
    /// mapd could not decide, for a fault that is not the container's. The hook's
    /// fail policy decides, as if there were no mapd.
    case failed = 6

    public var name: StaticString {
      switch self {
      case .bound: "bound"
      case .unmanaged: "unmanaged"
      case .confirmed: "confirmed"
      case .removed: "removed"
      case .refused: "refused"
      case .failed: "failed"
      }
    }

    /// Whether the outcome answers a question of `phase`. One that does not is an
    /// answer to something else, and the fail policy decides.
    public func answers(_ phase: Phase) -> Bool {
      switch self {
      case .bound: phase != .poststop
      case .confirmed: phase == .poststart
      case .removed: phase == .poststop
      case .unmanaged, .refused, .failed: true
      }
    }
  }

  /// A longer reason is cut at a character's boundary when it is encoded.
  public static let reasonBytesMax = 512

  public var outcome: Outcome
  /// UTF-8, for a person; may be empty.
  public var reason: [UInt8]

  public init(_ outcome: Outcome, reason: [UInt8] = []) {
    self.outcome = outcome
    self.reason = reason
  }

  private enum Field {
    static let outcome: UInt16 = 1
    static let reason: UInt16 = 2
  }

  /// The whole frame. A reason that is not UTF-8 is left out: the outcome matters more.
  public func encode() -> [UInt8] {
    var frame = Frame.begin(.answer)
    frame.append(field: Field.outcome, UInt64(outcome.rawValue), count: 1)
    let text = isUTF8(reason[...]) ? cutUTF8(reason, Self.reasonBytesMax) : []
    frame.append(field: Field.reason, text)
    Frame.seal(&frame)
    return frame
  }

  /// Reads exactly one frame; anything unknown, missing, repeated or left over is an error.
  public init(decoding frame: [UInt8]) throws(WireError) {
    var outcome: Outcome?
    var reason: [UInt8]?
    var fields = try Frame.fields(of: frame, kind: .answer)
    while let (type, value) = try fields.next() {
      switch type {
      case Field.outcome:
        guard let known = Outcome(rawValue: UInt8(try value.integer(1))) else {
          throw .invalidField
        }
        try setOnce(&outcome, known)
      case Field.reason:
        guard value.count <= Self.reasonBytesMax, isUTF8(value) else { throw .invalidField }
        try setOnce(&reason, Array(value))
      default: throw .unknownField
      }
    }
    guard let outcome, let reason else { throw .missingField }
    self.init(outcome, reason: reason)
  }
}

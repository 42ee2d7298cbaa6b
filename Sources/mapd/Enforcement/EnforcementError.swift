// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// One operation on the kernel that failed: what, on what, why, and what to do.
public struct EnforcementError: Error, CustomStringConvertible, Sendable {
  public enum Kind: Sendable, Equatable {
    case system
    /// A map takes no more entries. What is in it stays in force.
    case full
    /// The kernel cannot do what is asked for.
    case unsupported
    /// What is pinned was not made by this layout.
    case foreignPins
    /// A mapd holds the pins.
    case held
  }

  public let kind: Kind
  public let operation: String
  public let code: Int32
  public let remedy: String?

  public init(_ operation: String, code: Int32 = 0, kind: Kind = .system, remedy: String? = nil) {
    self.operation = operation
    self.code = code < 0 ? -code : code
    self.kind = kind
    self.remedy = remedy
  }

  /// Takes the reason from `errno`.
  public static func current(_ operation: String, remedy: String? = nil) -> EnforcementError {
    EnforcementError(operation, code: errno, remedy: remedy)
  }

  public var description: String {
    var text = operation
    if code != 0 { text += ": \(String(cString: strerror(code)))" }
    if let remedy { text += "; \(remedy)" }
    return text
  }
}

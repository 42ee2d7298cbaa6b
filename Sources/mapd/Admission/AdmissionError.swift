// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a container cannot be admitted: what, on what, why, what to do.
public struct AdmissionError: Error, CustomStringConvertible, Sendable {
  public enum Kind: Sendable, Equatable {
    /// The request names a process or bundle that is not there or makes no sense.
    case invalid
    /// The gate cannot keep this container under its policy.
    case unsupported
    /// A fault of this machine, not of the container.
    case system
  }

  public let kind: Kind
  public let message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// Takes the reason from `errno`.
  static func current(_ kind: Kind, _ message: String) -> AdmissionError {
    AdmissionError(kind, "\(message): \(String(cString: strerror(errno)))")
  }

  public var description: String { message }
}

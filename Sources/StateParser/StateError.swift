// SPDX-License-Identifier: Apache-2.0

#if !ONE_MODULE
  import Shared
#endif

/// The fields of the state that Holdfast reads.
public enum StateField: Sendable, Equatable {
  case ociVersion, id, status, pid, bundle, annotations

  public var name: StaticString {
    switch self {
    case .ociVersion: "ociVersion"
    case .id: "id"
    case .status: "status"
    case .pid: "pid"
    case .bundle: "bundle"
    case .annotations: "annotations"
    }
  }
}

/// Why the state a runtime handed over cannot be used. Never open: the hook exits 1.
public enum StateError: Error, Sendable, Equatable {
  case empty
  /// More than ``StateLimits/bytesMax`` bytes.
  case tooLarge
  /// Not JSON, cut short, or followed by more; `offset` is where yajl stopped, in bytes.
  case malformed(offset: Int)
  /// Nested deeper than ``StateLimits/depthMax``.
  case tooDeep
  case notAnObject
  case missing(StateField)
  case duplicate(StateField)
  /// The wrong type, out of range, too long, or with a NUL.
  case invalid(StateField)
  /// A status in which no runtime runs this hook.
  case unexpectedStatus(ContainerStatus)
  /// The parser could not be allocated.
  case noMemory

  /// A few words for a log line, to which `field` belongs.
  public var text: StaticString {
    switch self {
    case .empty: "no state on standard input"
    case .tooLarge: "state larger than 1 MiB"
    case .malformed: "state is not valid JSON"
    case .tooDeep: "state nested too deeply"
    case .notAnObject: "state is not a JSON object"
    case .missing: "state lacks a field"
    case .duplicate: "state has a field twice"
    case .invalid: "state has an invalid field"
    case .unexpectedStatus: "state has a status that does not fit the hook"
    case .noMemory: "no memory to parse the state"
    }
  }

  /// The field or value the error is about.
  public var detail: StaticString? {
    switch self {
    case .missing(let field), .duplicate(let field), .invalid(let field): field.name
    case .unexpectedStatus(let status): status.name
    default: nil
    }
  }
}

/// Limits of the state JSON. Beyond either: refused (deny).
public enum StateLimits {
  public static let bytesMax = 1 << 20
  public static let depthMax = 32
  static let versionBytesMax = 256
}

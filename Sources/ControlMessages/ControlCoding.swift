// SPDX-License-Identifier: Apache-2.0
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The same bytes at both ends of the control socket: one JSON value a line, keys sorted.
public enum ControlCoding {
  /// JSON with a trailing line feed.
  public static func line(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
  }

  /// The value of a line, with or without its line feed.
  /// - Throws: `DecodingError`.
  public static func value<Value: Decodable>(_: Value.Type, from line: some Sequence<UInt8>) throws
    -> Value
  {
    try JSONDecoder().decode(Value.self, from: Data(line))
  }
}

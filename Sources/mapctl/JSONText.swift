// SPDX-License-Identifier: Apache-2.0
import ControlMessages

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// JSON for scripts. It may end on a terminal as well, so characters that act there are escaped,
/// beyond those that JSON itself demands; a reader of JSON sees no difference.
enum JSONText {
  static func pretty(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return escaped(String(decoding: try encoder.encode(value), as: UTF8.self)) + "\n"
  }

  /// One line, for streams.
  static func line(_ value: some Encodable) throws -> String {
    escaped(String(decoding: try ControlCoding.line(value), as: UTF8.self))
  }

  /// Outside of strings JSON is ASCII, so what is escaped is inside of one. Line feeds are the
  /// encoder's own.
  static func escaped(_ json: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in json.unicodeScalars {
      if scalar == "\n" || isSafe(scalar) {
        text.append(scalar)
        continue
      }
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        text.append(
          contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            .unicodeScalars)
      }
    }
    return String(text)
  }
}

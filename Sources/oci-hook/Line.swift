// SPDX-License-Identifier: Apache-2.0

import CPosix

/// One line for the runtime's log, built of bytes: String would bring in Unicode tables.
struct Line {
  /// PIPE_BUF: a line this short is written whole or not at all.
  private static let bytesMax = 4096
  private(set) var text: [UInt8] = []

  /// For text that is not a line of the log.
  init(bare start: StaticString) { add(start) }

  init(_ phase: Phase? = nil) {
    add("oci-hook: ")
    if let phase {
      add(phase.name)
      add(": ")
    }
  }

  mutating func add(_ literal: StaticString) {
    text.append(
      contentsOf: UnsafeBufferPointer(
        start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  /// Adds bytes from outside, at most `limit` of them; all but printable ASCII is
  /// escaped, so that no id or reason can forge a line or move a terminal's cursor.
  mutating func add(escaping bytes: [UInt8], limit: Int = 512) {
    for byte in bytes.prefix(limit) {
      switch byte {
      case UInt8(ascii: "\\"): add("\\\\")
      case 0x20...0x7e: text.append(byte)
      default:
        add("\\x")
        text.append(hexadecimal(byte >> 4))
        text.append(hexadecimal(byte & 15))
      }
    }
    if bytes.count > limit { add("...") }
  }

  mutating func add(decimal value: Int) {
    var digits: [UInt8] = []
    var rest = value.magnitude
    repeat {
      digits.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    if value < 0 { digits.append(UInt8(ascii: "-")) }
    text.append(contentsOf: digits.reversed())
  }

  mutating func add(error: Int32) {
    if let description = posix_error_text(error) {
      text.append(
        contentsOf: UnsafeRawBufferPointer(
          start: description, count: strlen(description)))
    } else {
      add("error ")
      add(decimal: Int(error))
    }
  }

  /// Writes the line to stderr. A closed or full stderr changes nothing of the exit code.
  consuming func write() {
    var text = text
    if text.count >= Self.bytesMax { text.removeLast(text.count - Self.bytesMax + 1) }
    text.append(UInt8(ascii: "\n"))
    posix_ignore_sigpipe()
    _ = text.withUnsafeBytes { CPosix.write(2, $0.baseAddress, $0.count) }
  }
}

private func hexadecimal(_ nibble: UInt8) -> UInt8 {
  nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
}

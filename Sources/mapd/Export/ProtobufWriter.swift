// SPDX-License-Identifier: Apache-2.0

/// Writes Protocol Buffers' wire format: the few types that OTLP log records are made of. Decoded by
/// the official definitions in Tests/e2e/otlp.sh.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  private enum Wire: UInt64 { case varint = 0, fixed64 = 1, delimited = 2 }

  mutating func varint(_ field: Int, _ value: UInt64) {
    tag(field, .varint)
    append(value)
  }

  mutating func fixed64(_ field: Int, _ value: UInt64) {
    tag(field, .fixed64)
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }

  mutating func string(_ field: Int, _ text: String) { data(field, Array(text.utf8)) }

  /// A message that is encoded already, or text.
  mutating func data(_ field: Int, _ data: [UInt8]) {
    tag(field, .delimited)
    append(UInt64(data.count))
    bytes += data
  }

  mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    body(&inner)
    data(field, inner.bytes)
  }

  private mutating func tag(_ field: Int, _ wire: Wire) { append(UInt64(field) << 3 | wire.rawValue) }

  /// Seven bits a byte, the lowest first.
  private mutating func append(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// Reads the same, as far as an answer of a collector needs it.
struct ProtobufReader {
  enum Value: Equatable { case number(UInt64), data([UInt8]) }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// nil at the end, and at what is no message: what was read before stands.
  mutating func next() -> (field: Int, value: Value)? {
    guard let tag = varint() else { return nil }
    let field = Int(truncatingIfNeeded: tag >> 3)
    switch tag & 7 {
    case 0: return varint().map { (field, .number($0)) }
    case 1: return fixed(8).map { (field, .data($0)) }
    case 2: return varint().flatMap { fixed($0) }.map { (field, .data($0)) }
    case 5: return fixed(4).map { (field, .data($0)) }
    default: return nil
    }
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  private mutating func fixed(_ count: UInt64) -> [UInt8]? {
    guard count <= UInt64(rest.count) else { return nil }
    defer { rest = rest.dropFirst(Int(count)) }
    return Array(rest.prefix(Int(count)))
  }
}

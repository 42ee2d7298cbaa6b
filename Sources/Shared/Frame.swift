// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a message of the hook protocol. The reader drops the
/// connection: mapd binds nothing, the hook falls back on its fail policy.
public enum WireError: Error, Equatable, Sendable {
  case badMagic
  case unknownVersion
  case unknownKind
  /// The frame is longer than ``Frame/bytesMax``.
  case tooLong
  /// Fewer bytes than the header or a field announces.
  case truncated
  /// Bytes after the frame or after the last field.
  case trailingBytes
  case unknownField
  case duplicateField
  case missingField
  /// A field whose length or value the protocol does not allow.
  case invalidField

  /// A few words for a log line.
  public var text: StaticString {
    switch self {
    case .badMagic: "not a message of this protocol"
    case .unknownVersion: "unknown protocol version"
    case .unknownKind: "unknown kind of message"
    case .tooLong: "message too long"
    case .truncated: "message cut short"
    case .trailingBytes: "bytes after the message"
    case .unknownField: "unknown field"
    case .duplicateField: "field given twice"
    case .missingField: "field missing"
    case .invalidField: "field with an invalid value"
    }
  }
}

/// What a frame carries.
public enum FrameKind: UInt16, Sendable {
  case request = 1
  case answer = 2
}

/// The envelope of every message between oci-hook and mapd. All integers are little-endian.
///
///     "HFHK"  version u16  kind u16  payload length u32  payload
///
/// The payload is a row of fields: type u16, length u16, value.
public enum Frame {
  public static let version: UInt16 = 1
  public static let headerBytes = 12
  /// A whole frame. Longer: refused before any of its payload is read (deny).
  public static let bytesMax = 8192

  private static let magic: [UInt8] = [0x48, 0x46, 0x48, 0x4b]

  /// How many more bytes to read before `received`, the start of a frame, can be
  /// decoded: first the header's, then the payload's, then 0. A header that cannot
  /// become a valid frame of `kind` throws at once.
  public static func bytesMissing(in received: [UInt8], kind: FrameKind) throws(WireError) -> Int {
    guard received.count >= headerBytes else { return headerBytes - received.count }
    let length = try frameBytes(received, kind)
    guard received.count <= length else { throw .trailingBytes }
    return length - received.count
  }

  /// The payload's fields of one whole frame.
  static func fields(of frame: [UInt8], kind: FrameKind) throws(WireError) -> FieldReader {
    guard frame.count >= headerBytes else { throw .truncated }
    let length = try frameBytes(frame, kind)
    guard frame.count >= length else { throw .truncated }
    guard frame.count == length else { throw .trailingBytes }
    return FieldReader(bytes: frame, index: headerBytes)
  }

  private static func frameBytes(_ header: [UInt8], _ kind: FrameKind) throws(WireError) -> Int {
    for index in 0..<magic.count where header[index] != magic[index] { throw .badMagic }
    guard littleEndianWord(header[...], at: 4, count: 2) == version else { throw .unknownVersion }
    guard littleEndianWord(header[...], at: 6, count: 2) == kind.rawValue else {
      throw .unknownKind
    }
    let payload = littleEndianWord(header[...], at: 8, count: 4)
    guard payload <= bytesMax - headerBytes else { throw .tooLong }
    return headerBytes + Int(payload)
  }

  /// The header of a frame whose payload is not known yet; `seal` fills in its length.
  static func begin(_ kind: FrameKind) -> [UInt8] {
    var frame = magic
    frame.append(littleEndian: UInt64(version), count: 2)
    frame.append(littleEndian: UInt64(kind.rawValue), count: 2)
    frame.append(littleEndian: 0, count: 4)
    return frame
  }

  static func seal(_ frame: inout [UInt8]) {
    let payload = frame.count - headerBytes
    for offset in 0..<4 { frame[8 + offset] = UInt8(truncatingIfNeeded: payload >> (8 * offset)) }
  }
}

/// Walks the fields of a payload.
struct FieldReader {
  let bytes: [UInt8]
  var index: Int

  /// The next field, nil at the end of the payload.
  mutating func next() throws(WireError) -> (type: UInt16, value: ArraySlice<UInt8>)? {
    guard index < bytes.count else { return nil }
    guard bytes.count - index >= 4 else { throw .truncated }
    let type = UInt16(littleEndianWord(bytes[...], at: index, count: 2))
    let length = Int(littleEndianWord(bytes[...], at: index + 2, count: 2))
    let start = index + 4
    guard bytes.count - start >= length else { throw .truncated }
    index = start + length
    return (type, bytes[start..<index])
  }
}

extension ArraySlice<UInt8> {
  /// The value of a field of exactly `count` bytes.
  func integer(_ count: Int) throws(WireError) -> UInt64 {
    guard self.count == count else { throw .invalidField }
    return littleEndianWord(self, at: startIndex, count: count)
  }
}

extension [UInt8] {
  mutating func append(littleEndian value: UInt64, count: Int) {
    for offset in 0..<count { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * offset))) }
  }

  mutating func append(field type: UInt16, _ value: [UInt8]) {
    append(littleEndian: UInt64(type), count: 2)
    append(littleEndian: UInt64(value.count), count: 2)
    append(contentsOf: value)
  }

  mutating func append(field type: UInt16, _ value: UInt64, count: Int) {
    append(littleEndian: UInt64(type), count: 2)
    append(littleEndian: UInt64(count), count: 2)
    append(littleEndian: value, count: count)
  }
}

/// Stores a field's value once; a second one is an error.
func setOnce<Value>(_ slot: inout Value?, _ value: Value) throws(WireError) {
  guard slot == nil else { throw .duplicateField }
  slot = value
}

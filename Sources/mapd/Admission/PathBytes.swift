// SPDX-License-Identifier: Apache-2.0

/// A path as the kernel has it, byte for byte: to String, two spellings of one letter are equal. On disk
/// it is a string. Listed paths are UTF-8, and what they lead to is left out when it is not.
struct PathBytes: Codable, Hashable, Sendable {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  init(_ path: String) { bytes = Array(path.utf8) }

  init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}

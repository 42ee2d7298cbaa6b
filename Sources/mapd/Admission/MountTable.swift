// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A line of /proc/<pid>/mountinfo, as far as it matters here.
struct MountLine: Equatable {
  var id: UInt32
  var root: String
  var mountPoint: String
  var type: String
  /// What is mounted and unmounted at its peers is so here too (mount_namespaces(7)).
  var follows: Bool
  var options: [String: String]
}

/// Of mount tables, which have hundreds of lines where containers run. By bytes, as the kernel writes:
/// to Swift a carriage return and the line feed after it are one character, and a path that ends so would
/// hide the line that follows.
extension ProcFS {
  func mounts(_ pid: Int32) throws(AdmissionError) -> [MountLine] {
    Self.parseMounts(try bytes(pid, "mountinfo"))
  }

  func ownMounts() throws(AdmissionError) -> [MountLine] {
    try mounts(getpid())
  }

  /// The last of the mounts at a path, which covers the others. A container's start waits: only this one
  /// is parsed.
  func mount(_ pid: Int32, at path: String) throws(AdmissionError) -> MountLine? {
    Self.parseMount(try bytes(pid, "mountinfo"), at: path)
  }

  static func parseMounts(_ text: [UInt8]) -> [MountLine] {
    text.split(separator: UInt8(ascii: "\n")).compactMap(parseMount)
  }

  static func parseMount(_ text: [UInt8], at path: String) -> MountLine? {
    let wanted = Array(path.utf8)
    let found = text.withUnsafeBufferPointer { text -> Range<Int>? in
      var end = text.count
      while end > 0 {
        let start = (text[..<end].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        if isMount(text[start..<end], at: wanted) { return start..<end }
        end = start - 1
      }
      return nil
    }
    return found.flatMap { parseMount(text[$0]) }
  }

  /// Is the fifth field this path, and is it not the last?
  private static func isMount(_ line: Slice<UnsafeBufferPointer<UInt8>>, at path: [UInt8]) -> Bool {
    var index = line.startIndex
    for _ in 0..<4 {
      guard let blank = line[index...].firstIndex(of: UInt8(ascii: " ")) else { return false }
      index = blank + 1
    }
    guard let end = line[index...].firstIndex(of: UInt8(ascii: " ")) else { return false }
    let field = line[index..<end]
    return field.contains(UInt8(ascii: "\\"))
      ? unescapeOctal(Array(field)) == path : field.elementsEqual(path)
  }

  private static func parseMount(_ line: ArraySlice<UInt8>) -> MountLine? {
    let fields = line.split(separator: UInt8(ascii: " "))
    guard fields.count > 6, let id = UInt32(String(decoding: fields[0], as: UTF8.self)),
      let dash = fields[6...].firstIndex(where: { $0.elementsEqual("-".utf8) }), dash + 3 < fields.count
    else { return nil }
    var options: [String: String] = [:]
    for option in splitOptions(fields[dash + 3]) {
      let pair = option.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      options[String(decoding: pair[0], as: UTF8.self)] = pair.count > 1 ? unescapeOption(pair[1]) : ""
    }
    return MountLine(
      id: id, root: unescape(fields[3]), mountPoint: unescape(fields[4]),
      type: String(decoding: fields[dash + 1], as: UTF8.self),
      follows: fields[6..<dash].contains { $0.starts(with: "master:".utf8) }, options: options)
  }

  /// A comma inside an overlay option is written `\,`.
  private static func splitOptions(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var options: [ArraySlice<UInt8>] = []
    var start = text.startIndex
    var escaped = false
    for index in text.indices {
      if escaped { escaped = false; continue }
      if text[index] == UInt8(ascii: "\\") { escaped = true }
      if text[index] == UInt8(ascii: ",") {
        options.append(text[start..<index])
        start = index + 1
      }
    }
    return options + [text[start...]]
  }

  /// As the kernel writes what would end a field or a line: `\040` is a space.
  private static func unescape(_ text: ArraySlice<UInt8>) -> String {
    String(decoding: unescapeOctal(Array(text)), as: UTF8.self)
  }

  /// An overlay's paths have escapes of their own around the kernel's: `\,` and `\:` and a doubled `\`.
  private static func unescapeOption(_ text: ArraySlice<UInt8>) -> String {
    var out: [UInt8] = []
    var isEscaped = false
    for byte in unescapeOctal(Array(text)) {
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      if !isEscaped { out.append(byte) }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func unescapeOctal(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(UInt8(ascii: "\\")) else { return bytes }
    var out: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let digits = bytes[index...].dropFirst().prefix(3)
      if bytes[index] == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }) {
        out.append(digits.reduce(0) { $0 &* 8 &+ ($1 &- 48) })
        index += 4
      } else {
        out.append(bytes[index])
        index += 1
      }
    }
    return out
  }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A line of /proc/<pid>/cgroup: `hierarchy:controllers:path`.
struct CgroupLine: Equatable {
  var hierarchy: UInt32
  var controllers: [Substring]
  var path: String
}

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

/// Reads of procfs. Decides nothing.
public struct ProcFS: Sendable {
  public let root: String
  let hierarchies = Hierarchies()

  public init(root: String = "/proc") { self.root = root }

  func path(_ pid: Int32, _ entry: String) -> String { "\(root)/\(pid)/\(entry)" }

  /// At most 4 MiB: a mount table can be long.
  func text(_ pid: Int32, _ entry: String) throws(AdmissionError) -> String {
    let path = path(pid, entry)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ESRCH {
        throw AdmissionError(.invalid, "process \(pid) is gone: \(path) does not exist")
      }
      throw .current(.system, "open \(path)")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while bytes.count < 4 << 20 {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 {
        if errno == ESRCH { throw AdmissionError(.invalid, "process \(pid) is gone") }
        throw .current(.system, "read \(path)")
      }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The number of a namespace (`mnt`, `pid`, ...) of a process.
  func namespace(_ pid: Int32, _ kind: String) throws(AdmissionError) -> UInt32 {
    var status = stat()
    let path = path(pid, "ns/\(kind)")
    guard stat(path, &status) == 0 else {
      throw .current(errno == ENOENT ? .invalid : .system, "read namespace \(path)")
    }
    return UInt32(truncatingIfNeeded: status.st_ino)
  }

  /// Field 22 of /proc/<pid>/stat: start of the process in 1/100 s after boot. Together
  /// with the pid it names one process; nil when it is gone.
  public func startTicks(_ pid: Int32) -> UInt64? {
    status(pid).flatMap { $0.count > 19 ? UInt64($0[19]) : nil }
  }

  func parent(_ pid: Int32) -> Int32? {
    status(pid).flatMap { $0.count > 1 ? Int32($0[1]) : nil }
  }

  /// There, and not a zombie that only waits for its parent.
  func isAlive(_ pid: Int32) -> Bool {
    guard let state = status(pid)?.first else { return false }
    return state != "Z" && state != "X"
  }

  /// Ends, has ended, or is gone. It leaves its cgroups (v1) and namespaces on the way, so what
  /// was read of it counts only if this is false afterwards.
  func isEnding(_ pid: Int32) -> Bool {
    guard let fields = status(pid), fields.count > 6, let flags = UInt32(fields[6]) else { return true }
    let exiting: UInt32 = 0x4  // PF_EXITING of the kernel's sched.h
    return fields[0] == "Z" || fields[0] == "X" || flags & exiting != 0
  }

  /// The fields of /proc/<pid>/stat from the third, `state`, on.
  private func status(_ pid: Int32) -> [Substring]? {
    guard let text = try? text(pid, "stat"), let end = text.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    // the name in parentheses may itself hold spaces and parentheses
    return text[text.utf8.index(after: end)...].split(" ")
  }

  func cgroups(_ pid: Int32) throws(AdmissionError) -> [CgroupLine] {
    Self.parseCgroups(try text(pid, "cgroup"))
  }

  static func parseCgroups(_ text: String) -> [CgroupLine] {
    text[...].split("\n").compactMap { line in
      let fields = line.split(":", maxSplits: 2, omittingEmpty: false)
      guard fields.count == 3, let hierarchy = UInt32(fields[0]) else { return nil }
      return CgroupLine(hierarchy: hierarchy, controllers: fields[1].split(","), path: String(fields[2]))
    }
  }

  func mounts(_ pid: Int32) throws(AdmissionError) -> [MountLine] {
    Self.parseMounts(try text(pid, "mountinfo"))
  }

  /// Mount namespaces that are not a container's: the host's, and mapd's own, which its service
  /// unit may give it.
  var hostMountNamespaces: Set<UInt32> { Set([getpid(), 1].compactMap { try? namespace($0, "mnt") }) }

  func ownMounts() throws(AdmissionError) -> [MountLine] {
    try mounts(getpid())
  }

  static func parseMounts(_ text: String) -> [MountLine] {
    text[...].split("\n").compactMap(parseMount)
  }

  /// The last of the mounts at a path, which covers the others. Tables have hundreds of lines, and a
  /// container's start waits: only this one is parsed.
  func mount(_ pid: Int32, at path: String) throws(AdmissionError) -> MountLine? {
    Self.parseMount(try text(pid, "mountinfo"), at: path)
  }

  static func parseMount(_ text: String, at path: String) -> MountLine? {
    let line = text[...].split("\n").last { line in
      let fields = line.split(" ", maxSplits: 5)
      return fields.count > 5 && unescape(fields[4]).utf8.elementsEqual(path.utf8)
    }
    return line.flatMap(parseMount)
  }

  private static func parseMount(_ line: Substring) -> MountLine? {
    let fields = line.split(" ")
    guard fields.count > 6, let id = UInt32(fields[0]),
      let dash = fields[6...].firstIndex(of: "-"), dash + 3 < fields.count
    else { return nil }
    var options: [String: String] = [:]
    for option in splitOptions(fields[dash + 3]) {
      let pair = option.split("=", maxSplits: 1, omittingEmpty: false)
      options[String(pair[0])] = pair.count > 1 ? unescapeOption(pair[1]) : ""
    }
    return MountLine(
      id: id, root: unescape(fields[3]), mountPoint: unescape(fields[4]), type: String(fields[dash + 1]),
      follows: fields[6..<dash].contains { $0.hasPrefix("master:") }, options: options)
  }

  /// A comma inside an overlay option is written `\,`.
  private static func splitOptions(_ text: Substring) -> [Substring] {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return text.split(",", omittingEmpty: false) }
    var options: [Substring] = []
    var start = text.startIndex
    var escaped = false
    for index in text.utf8.indices {
      if escaped { escaped = false; continue }
      if text.utf8[index] == UInt8(ascii: "\\") { escaped = true }
      if text.utf8[index] == UInt8(ascii: ",") {
        options.append(text[start..<index])
        start = text.utf8.index(after: index)
      }
    }
    return options + [text[start...]]
  }

  /// As the kernel writes what would end a field or a line: `\040` is a space.
  private static func unescape(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
    return String(decoding: unescapeOctal(Array(text.utf8)), as: UTF8.self)
  }

  /// An overlay's paths have escapes of their own around the kernel's: `\,` and `\:` and a doubled `\`.
  private static func unescapeOption(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
    var out: [UInt8] = []
    var isEscaped = false
    for byte in unescapeOctal(Array(text.utf8)) {
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      if !isEscaped { out.append(byte) }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func unescapeOctal(_ bytes: [UInt8]) -> [UInt8] {
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

extension Substring {
  /// By bytes, as the kernel writes: to Swift a carriage return and the line feed after it are one
  /// character, and a path that ends so would hide the line that follows.
  fileprivate func split(
    _ separator: Unicode.Scalar, maxSplits: Int = .max, omittingEmpty: Bool = true
  ) -> [Substring] {
    utf8.split(
      separator: UInt8(ascii: separator), maxSplits: maxSplits, omittingEmptySubsequences: omittingEmpty
    ).map(Substring.init)
  }
}

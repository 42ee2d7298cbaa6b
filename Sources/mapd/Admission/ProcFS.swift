// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A line of /proc/<pid>/cgroup: `hierarchy:controllers:path`.
struct CgroupLine: Equatable {
  var hierarchy: UInt32
  var controllers: [Substring]
  var path: String
}

/// Reads of procfs. Decides nothing.
public struct ProcFS: Sendable {
  public let root: String
  let hierarchies = Hierarchies()
  /// What does not change while mapd runs.
  let host: Host

  struct Host: Sendable {
    /// Those that are not a container's: the host's, and mapd's own, which its service unit may give it.
    var mountNamespaces: Set<UInt32> = []
    var pidNamespace: UInt32?
    /// The first process's root and mapd's own; the first one's may be closed to it.
    var roots: [FileID] = []
  }

  public init(root: String = "/proc") {
    self.root = root
    var host = Host()
    for pid in [getpid(), 1] {
      if let number = try? Self.namespace(root, pid, "mnt") { host.mountNamespaces.insert(number) }
    }
    host.pidNamespace = try? Self.namespace(root, getpid(), "pid")
    host.roots = ["\(root)/1/root/", "/"].compactMap(FileID.init)
    self.host = host
  }

  func path(_ pid: Int32, _ entry: String) -> String { "\(root)/\(pid)/\(entry)" }

  func text(_ pid: Int32, _ entry: String) throws(AdmissionError) -> String {
    String(decoding: try bytes(pid, entry), as: UTF8.self)
  }

  /// At most 4 MiB: a mount table can be long.
  /// - Parameter limit: of a file that comes whole in one read of so many bytes.
  func bytes(_ pid: Int32, _ entry: String, atMost limit: Int? = nil) throws(AdmissionError) -> [UInt8] {
    let path = path(pid, entry)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ESRCH {
        throw AdmissionError(.invalid, "process \(pid) is gone: \(path) does not exist")
      }
      throw .current(.system, "open \(path)")
    }
    defer { close(descriptor) }
    let room = limit ?? 16384
    var bytes: [UInt8] = []
    while bytes.count < 4 << 20 {
      var count = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
        count = read(descriptor, buffer.baseAddress!, room)
        filled = max(count, 0)
      }
      if count < 0 && errno == EINTR { continue }
      if count < 0 {
        if errno == ESRCH { throw AdmissionError(.invalid, "process \(pid) is gone") }
        throw .current(.system, "read \(path)")
      }
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      if count == 0 || (limit != nil && count < room) { break }
    }
    return bytes
  }

  /// The number of a namespace (`mnt`, `pid`, ...) of a process.
  func namespace(_ pid: Int32, _ kind: String) throws(AdmissionError) -> UInt32 {
    try Self.namespace(root, pid, kind)
  }

  private static func namespace(_ root: String, _ pid: Int32, _ kind: String) throws(AdmissionError) -> UInt32 {
    var status = stat()
    let path = "\(root)/\(pid)/ns/\(kind)"
    guard stat(path, &status) == 0 else {
      throw .current(errno == ENOENT ? .invalid : .system, "read namespace \(path)")
    }
    return UInt32(truncatingIfNeeded: status.st_ino)
  }

  func cgroups(_ pid: Int32) throws(AdmissionError) -> [CgroupLine] {
    // One record, which comes whole: with fewer bytes than there is room for, that was all.
    Self.parseCgroups(try bytes(pid, "cgroup", atMost: 16384))
  }

  static func parseCgroups(_ text: [UInt8]) -> [CgroupLine] {
    text.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self) }
      guard fields.count == 3, let hierarchy = UInt32(fields[0]) else { return nil }
      let controllers = fields[1].utf8.split(separator: UInt8(ascii: ",")).map(Substring.init)
      return CgroupLine(hierarchy: hierarchy, controllers: controllers, path: fields[2])
    }
  }
}

/// One file of this machine, by whatever path.
struct FileID: Equatable {
  var device: dev_t
  var inode: ino_t

  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    (device, inode) = (status.st_dev, status.st_ino)
  }
}

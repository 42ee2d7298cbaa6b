// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Files below mapd's state directory: replaced whole, so that a reader, and a mapd that starts
/// after a crash, sees the old one or the new one.
public enum StateFile {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
    init(_ operation: String) { description = "\(operation): \(String(cString: strerror(errno)))" }
  }

  /// Makes the directory and those above it, for root alone.
  public static func makeDirectory(_ path: String) throws(Failure) {
    var parent = ""
    for part in path.split(separator: "/") {
      parent += (parent.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
      guard mkdir(parent, 0o700) == 0 || errno == EEXIST else { throw Failure("make the directory \(parent)") }
    }
  }

  /// Replaces a file at one moment. The old content stays when any step fails.
  public static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(Failure) {
    // Hidden, so that whoever reads the directory leaves it aside.
    let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let temporary = "\(path[..<slash]).new-\(getpid())"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw Failure("create \(temporary)") }
    var rest = bytes[...]
    var isWritten = true
    while isWritten, !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
      if count < 0 && errno == EINTR { continue }
      isWritten = count > 0
      if count > 0 { rest = rest.dropFirst(count) }
    }
    if isWritten { isWritten = fsync(descriptor) == 0 }
    let code = errno
    close(descriptor)
    guard isWritten, rename(temporary, path) == 0 else {
      if !isWritten { errno = code }
      let failure = Failure("write \(path)")
      unlink(temporary)
      throw failure
    }
  }

  /// One that is not there is removed already.
  public static func remove(_ path: String) throws(Failure) {
    guard unlink(path) == 0 || errno == ENOENT else { throw Failure("remove \(path)") }
  }

  /// The bytes of a regular file; nil when there is none. At most 64 MiB.
  public static func read(_ path: String) throws(Failure) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw Failure("open \(path)")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < 64 << 20 {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Failure("read \(path)") }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return bytes
  }

  /// Names in a directory, sorted; none when it cannot be read. Hidden ones are left aside.
  public static func names(in directory: String) -> [String] {
    guard let handle = opendir(directory) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// A file name for any text: what can be read of it, and a number that tells it from others.
  public static func name(for text: String) -> String {
    let plain = text.utf8.prefix(80).map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
        byte
      default: UInt8(ascii: "_")
      }
    }
    return String(decoding: plain, as: UTF8.self) + "-" + digest(text.utf8)
  }

  /// Tells contents apart (FNV-1a); no protection against who wants two to be the same.
  public static func digest(_ bytes: some Sequence<UInt8>) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }

  /// Sets a file aside that cannot be read: it is not lost, and not in the way.
  public static func setAside(_ path: String) { rename(path, path + ".unreadable") }
}

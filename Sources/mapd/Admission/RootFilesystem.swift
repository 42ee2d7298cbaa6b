// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A container's root as the container will see it: paths are looked up inside of it and
/// cannot lead out.
final class RootFilesystem: PathLookup {
  private let descriptor: Int32
  /// How the kernel prints the root's own path in this process.
  private let prefix: String

  /// - Parameter path: in the container's mount namespace, as /proc/<pid>/root/<rootfs>.
  init(_ path: String) throws(AdmissionError) {
    descriptor = open(path, HF_O_PATH | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .current(.invalid, "open the container's root \(path)") }
    let own = Self.pathOf(descriptor) ?? "/"
    prefix = own == "/" ? "" : own
  }

  deinit { close(descriptor) }

  /// Also when it cannot be told.
  var isOverlay: Bool { hf_is_overlay(descriptor) != 0 }

  func resolve(_ path: String) -> LookedUp? {
    let found = hf_open_in_root(descriptor, path, UInt64(HF_O_PATH))
    guard found >= 0 else { return nil }
    defer { close(found) }
    guard let full = Self.pathOf(found), full.hasPrefix(prefix + "/") else { return nil }
    var status = stat()
    guard fstat(found, &status) == 0 else { return nil }
    let isRegular = status.st_mode & S_IFMT == S_IFREG
    return LookedUp(
      path: String(full.dropFirst(prefix.count)), isDirectory: status.st_mode & S_IFMT == S_IFDIR,
      interpreter: isRegular ? interpreter(path) : nil)
  }

  /// As the kernel's binfmt_script reads it: 256 bytes, blanks around, one word.
  private func interpreter(_ path: String) -> String? {
    let file = hf_open_in_root(descriptor, path, UInt64(O_RDONLY | O_NONBLOCK | O_NOCTTY))
    guard file >= 0 else { return nil }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = pread(file, &buffer, buffer.count, 0)
    guard count > 2 else { return nil }
    return Self.interpreter(of: buffer[..<count])
  }

  static func interpreter(of head: some Collection<UInt8>) -> String? {
    guard head.starts(with: "#!".utf8) else { return nil }
    let line = head.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
    let word = line.drop { $0 == 32 || $0 == 9 }.prefix { $0 != 32 && $0 != 9 && $0 != 0 }
    // A word that the kernel's 256 bytes cut off is no interpreter.
    let isCut = word.endIndex == head.endIndex && head.count >= 256
    return word.isEmpty || isCut ? nil : String(validating: word, as: UTF8.self)
  }

  private static func pathOf(_ descriptor: Int32) -> String? {
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = buffer.withUnsafeMutableBytes {
      readlink("/proc/self/fd/\(descriptor)", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard count > 0, count < buffer.count else { return nil }
    // names that are not UTF-8 cannot be listed in a policy
    return String(validating: buffer[..<count], as: UTF8.self)
  }
}

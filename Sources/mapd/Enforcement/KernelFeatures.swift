// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// What this kernel offers the gate.
public struct KernelFeatures: Sendable {
  public let release: String
  public let hasBTF: Bool
  /// /sys/kernel/security/lsm, in its order; empty when it cannot be read.
  public let lsmList: [String]

  public var hasBPFLSM: Bool { lsmList.contains("bpf") }

  /// Is this Linux `version` (major, minor), or later? False where the release does not say.
  func isAtLeast(_ version: (Int, Int)) -> Bool {
    let numbers = release.split(maxSplits: 2, omittingEmptySubsequences: false) { !$0.isNumber }.prefix(2)
    guard numbers.count == 2, let major = Int(numbers[0]), let minor = Int(numbers[1]) else { return false }
    return (major, minor) >= version
  }

  public static func read() -> KernelFeatures {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: &name.release) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    return KernelFeatures(
      release: release,
      hasBTF: access("/sys/kernel/btf/vmlinux", R_OK) == 0,
      lsmList: readLSMList())
  }

  private static func readLSMList() -> [String] {
    guard let text = smallFile("/sys/kernel/security/lsm") else { return [] }
    return text.split { $0 == "," || $0.isNewline }.map(String.init)
  }

  /// Is `path` on a bpf filesystem?
  public static func isBPFFS(_ path: String) -> Bool {
    var status = statfs()
    return statfs(path, &status) == 0 && status.f_type == 0xcafe_4a11
  }
}

/// A file of /proc or /sys as text, nil when it cannot be read. At most 64 KiB.
func smallFile(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while bytes.count < 64 << 10 {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 && errno == EINTR { continue }
    if count < 0 { return nil }
    if count == 0 { break }
    bytes += chunk[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}

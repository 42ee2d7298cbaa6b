// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLinux
import Control
import Glibc

enum RunDirectory {
  /// Makes the directory, 0755 for the control socket's readers, and locks it.
  /// - Returns: the descriptor that holds the lock.
  static func prepare(_ path: String) throws -> Int32 {
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw ValidationError("make the directory \(path): \(String(cString: strerror(errno)))")
    }
    let lock = open("\(path)/mapd.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else {
      throw ValidationError("open \(path)/mapd.lock: \(String(cString: strerror(errno)))")
    }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw ValidationError("another mapd serves \(path); stop it first, or name another --run-dir")
    }
    return lock
  }
}

/// systemd's side: inherited sockets and state messages.
enum Activation {
  /// The socket of this name that systemd holds open for mapd, else one made in `runDir`.
  static func place(_ name: String, _ runDir: String) -> UnixServer.Place {
    if let descriptor = inherited(name) { return .inherited(descriptor: descriptor) }
    return .path("\(runDir)/\(name).sock", mode: 0o600)
  }

  private static func inherited(_ name: String) -> CInt? {
    guard let pid = getenv("LISTEN_PID").map({ String(cString: $0) }), Int32(pid) == getpid(),
      let names = getenv("LISTEN_FDNAMES").map({ String(cString: $0) }),
      let index = names.split(separator: ":", omittingEmptySubsequences: false).firstIndex(of: name[...])
    else { return nil }
    let first: CInt = 3  // SD_LISTEN_FDS_START
    return first + CInt(index)
  }

  /// One datagram to the service manager; without one there is nobody to tell.
  static func notify(_ state: String) {
    guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), !path.isEmpty else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
        _ = Array(state.utf8).withUnsafeBytes { sendto(descriptor, $0.baseAddress!, $0.count, 0, target, length) }
      }
    }
  }
}

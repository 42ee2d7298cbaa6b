// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLinux
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

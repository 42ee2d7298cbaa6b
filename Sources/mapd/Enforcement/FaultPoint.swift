// SPDX-License-Identifier: Apache-2.0
import Glibc

/// For the test that mapd may be killed between any two of its updates: a number in a file,
/// counted down before each one; at the last it kills itself. Without a file nothing is read.
/// Only who starts mapd can name one (`--fault-file`): no container has a hand in it.
public enum FaultPoint {
  /// Set once, before anything is updated.
  nonisolated(unsafe) public static var file: String?

  /// Call it before each change of a map, of a pin or of a record.
  /// - Parameter update: what comes next, for the log.
  @inline(__always)
  public static func pass(_ update: @autoclosure () -> String) {
    guard let file else { return }
    countDown(file, update())
  }

  private static func countDown(_ file: String, _ update: String) {
    let descriptor = open(file, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var text = [UInt8](repeating: 0, count: 16)
    let count = read(descriptor, &text, text.count)
    let digits = String(decoding: text.prefix(max(0, count)), as: UTF8.self).prefix { $0.isNumber }
    guard let left = Int(digits), left > 0 else { return }
    ftruncate(descriptor, 0)
    _ = Array("\(left - 1)\n".utf8).withUnsafeBytes { pwrite(descriptor, $0.baseAddress!, $0.count, 0) }
    guard left == 1 else { return }
    _ = Array("fault point: killed before \(update)\n".utf8).withUnsafeBytes {
      write(STDERR_FILENO, $0.baseAddress!, $0.count)
    }
    kill(getpid(), SIGKILL)
  }
}

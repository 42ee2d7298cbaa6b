// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Glibc

/// What procfs tells of a process at the moment its report comes in. By then the process may
/// have ended, or be another one: it is a sample, never a ground for a decision.
struct ProcessReader: Sendable {
  static let bytesMax = 4096
  static let argumentsMax = 32

  /// procfs of the host.
  let root: String

  /// - Parameter executable: the path that the gate reported.
  func details(pid: UInt32, parent: UInt32, executable: [UInt8]) -> ProcessDetails {
    var details = ProcessDetails()
    details.parentExecutable = link("\(root)/\(parent)/exe").map { String(decoding: $0, as: UTF8.self) }
    // First which program it is, then its arguments: an exec in between would mix two.
    let isOwn = link("\(root)/\(pid)/exe") == executable
    let line = file("\(root)/\(pid)/cmdline")
    guard let line, !line.isEmpty else {
      details.unknown = line == nil ? "the process was gone" : "the process was ending"
      return details
    }
    details.arguments = line.split(separator: 0, omittingEmptySubsequences: false)
      .prefix(Self.argumentsMax).map { String(decoding: $0, as: UTF8.self) }
    if line.last == 0, line.count < Self.bytesMax, details.arguments?.last == "" { details.arguments?.removeLast() }
    if !isOwn { details.areCallers = true }
    return details
  }

  private func link(_ path: String) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: Self.bytesMax)
    let count = buffer.withUnsafeMutableBytes {
      readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return count > 0 ? Array(buffer[..<count]) : nil
  }

  private func file(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: Self.bytesMax)
    let count = read(descriptor, &buffer, buffer.count)
    return count < 0 ? nil : Array(buffer[..<count])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Another program of this system, asked once.
enum HostCommand {
  /// - Parameter words: the program's path, or its name in PATH, then its arguments.
  /// - Returns: its exit status and what it wrote to both outputs, without the last line's end.
  ///   nil: it could not be started. One that hangs is ended by timeout(1): status 124.
  static func run(_ words: [String]) -> (status: Int32, text: String)? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "10"] + words
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    guard (try? process.run()) != nil else { return nil }
    let bytes = (try? output.fileHandleForReading.readToEnd()) ?? Data()
    process.waitUntilExit()
    let text = String(decoding: bytes.prefix(64 << 10), as: UTF8.self)
    return (process.terminationStatus, text.hasSuffix("\n") ? String(text.dropLast()) : text)
  }
}

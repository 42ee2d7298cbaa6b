// SPDX-License-Identifier: Apache-2.0
import Admission
import Foundation
import Logging
import Shared

/// What hooks decided without mapd, and left for it to know. See oci-hook's Spool.swift.
public actor Spool {
  /// Since mapd's start.
  public struct Count: Sendable, Equatable {
    /// Containers that were started without an answer of mapd.
    public var open = 0
    public var last: String?
  }

  let path: String
  let log: Logger
  public private(set) var count = Count()

  public init(path: String, log: Logger) {
    self.path = path
    self.log = log
  }

  /// Takes all there is, tells of each and counts it.
  /// - Returns: whether there was any: containers may run that mapd does not know.
  public func take() -> Bool {
    guard let text = taken(), !text.isEmpty else { return false }
    for line in text.split(separator: "\n") { tell(line) }
    if text.utf8.count > SpoolFile.bytesMax - 8192 {
      log.error(
        "the hooks' spool was full: see the system log for what it does not have", metadata: ["spool": "\(path)"])
    }
    return true
  }

  private func tell(_ line: Substring) {
    guard let entry = SpoolEntry(line: line) else {
      log.error(
        "a line of the hooks' spool is not understood", metadata: ["spool": "\(path)", "line": "\(line.prefix(512))"])
      return
    }
    let started = entry.phase == .createRuntime
    if started {
      count.open += 1
      count.last = entry.message
    }
    log.log(
      level: started ? .critical : .warning, "a hook went on without mapd",
      metadata: [
        "container": "\(entry.id)", "phase": "\(entry.phase.name)", "at": "\(entry.time)",
        "reason": "\(entry.message)",
      ])
  }

  /// Renamed first, so that hooks begin a new file; what a hook still writes into the old one
  /// after it is unlinked, that hook writes again.
  private func taken() -> String? {
    let aside = path + ".taken"
    if access(aside, F_OK) != 0, rename(path, aside) != 0 { return nil }
    let descriptor = open(aside, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      log.error("the hooks' spool cannot be read", metadata: ["spool": "\(aside)", "errno": "\(errno)"])
      unlink(aside)
      return nil
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var data = (try? file.read(upToCount: 2 * SpoolFile.bytesMax)) ?? Data()
    unlink(aside)
    data += (try? file.read(upToCount: SpoolFile.bytesMax)) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }
}

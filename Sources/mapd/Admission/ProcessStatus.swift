// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What /proc/<pid>/stat tells, as far as it matters here: all of one moment.
struct ProcessStatus: Equatable {
  var state: UInt8
  var parent: Int32
  var flags: UInt32
  /// Start of the process in 1/100 s after boot. Together with the pid it names one process.
  var startTicks: UInt64

  /// nil: not such a line.
  init?(_ text: [UInt8]) {
    // The name in parentheses may itself hold blanks and parentheses.
    guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = text[(end + 1)...].split(separator: UInt8(ascii: " "), maxSplits: 20)
    guard fields.count > 19, let state = fields[0].first, let parent = Self.number(fields[1]),
      let flags = Self.number(fields[6]), let ticks = Self.number(fields[19])
    else { return nil }
    self.state = state
    self.parent = Int32(truncatingIfNeeded: parent)
    self.flags = UInt32(truncatingIfNeeded: flags)
    startTicks = ticks
  }

  /// There, and not a zombie that only waits for its parent.
  var isAlive: Bool { state != UInt8(ascii: "Z") && state != UInt8(ascii: "X") }

  /// Ends or has ended.
  var isEnding: Bool {
    let exiting: UInt32 = 0x4  // PF_EXITING of the kernel's sched.h
    return !isAlive || flags & exiting != 0
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for digit in digits {
      guard (48...57).contains(digit) else { return nil }
      let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = tens.addingReportingOverflow(UInt64(digit - 48))
      guard !isTooLarge, !overflows else { return nil }
      number = sum
    }
    return digits.isEmpty ? nil : number
  }
}

extension ProcFS {
  /// nil when it is gone.
  func status(_ pid: Int32) -> ProcessStatus? {
    // One record, shorter than this: it comes whole.
    guard let text = try? bytes(pid, "stat", atMost: 4096) else { return nil }
    return ProcessStatus(text)
  }

  /// Field 22 of /proc/<pid>/stat; nil when the process is gone.
  public func startTicks(_ pid: Int32) -> UInt64? { status(pid)?.startTicks }

  func parent(_ pid: Int32) -> Int32? { status(pid)?.parent }

  /// The very process that had started then: there, and not a zombie. nil: whenever it started.
  func isAlive(_ pid: Int32, since ticks: UInt64? = nil) -> Bool {
    guard let status = status(pid), status.isAlive else { return false }
    return ticks.map { $0 == status.startTicks } ?? true
  }

  /// Ends, has ended, or is gone. It leaves its cgroups (v1) and namespaces on the way, so what
  /// was read of it counts only if this is false afterwards.
  func isEnding(_ pid: Int32) -> Bool { status(pid)?.isEnding ?? true }
}

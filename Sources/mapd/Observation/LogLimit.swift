// SPDX-License-Identifier: Apache-2.0

/// How many lines of events are written: a workload decides how often it violates its policy,
/// and must not fill the operator's disk. What is not written is counted.
struct LogLimit {
  /// Lines a second, over all containers.
  static let perSecond = 200

  private(set) var suppressed: UInt64 = 0
  private var second: Int64 = 0
  private var written = 0

  /// - Parameter second: now, on any clock.
  mutating func takes(_ second: Int64) -> Bool {
    if second != self.second { (self.second, written) = (second, 0) }
    guard written < Self.perSecond else {
      suppressed += 1
      return false
    }
    written += 1
    return true
  }
}

/// When a report that goes on is told again: after 1, 2, 4 ... seconds, at most 16; after a
/// quiet time at once.
struct Repeats {
  static let longest: Int64 = 16

  private var pause: Int64 = 1
  private var next: Int64

  init(now: Int64) { next = now + 1 }

  mutating func isDue(_ now: Int64) -> Bool {
    guard now >= next else { return false }
    pause = now - next > Self.longest ? 1 : min(pause * 2, Self.longest)
    next = now + pause
    return true
  }
}

// SPDX-License-Identifier: Apache-2.0
import Enforcement

/// The reports' counts summed by verdict and reason, also of containers that are gone. The
/// kernel's own counters have the one or the other, not both.
public struct VerdictCounts: Sendable {
  public struct Kind: Hashable, Sendable {
    /// See `VerdictName`.
    public var verdict: UInt32
    /// See `ReasonName`.
    public var reason: UInt32

    public init(verdict: UInt32, reason: UInt32) {
      self.verdict = verdict
      self.reason = reason
    }
  }

  private(set) var counts: [Kind: UInt64] = [:]
  private var seen: [ReportKey: UInt64] = [:]
  /// Entries of map `reports` when it was read last.
  var reports: Int { seen.count }

  /// What an earlier mapd has told of a report is not counted again.
  mutating func begin(_ key: ReportKey, at count: UInt64) { seen[key] = count }

  /// - Parameter current: every report of the kernel; one that is missing was forgotten there.
  mutating func advance(_ current: [(ReportKey, UInt64)]) {
    var now: [ReportKey: UInt64] = [:]
    now.reserveCapacity(current.count)
    for (key, count) in current {
      let before = seen[key] ?? 0
      // Less than before: the key was forgotten, and a new container has its cgroup's id.
      let new = count >= before ? count - before : count
      counts[Kind(verdict: key.verdict, reason: key.reason), default: 0] += new
      now[key] = count
    }
    seen = now
  }
}

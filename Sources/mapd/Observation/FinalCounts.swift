// SPDX-License-Identifier: Apache-2.0
import Enforcement

/// The last counts of containers that are gone, which the kernel holds no more. Their events
/// may still be on their way: for a while they must be neither unknown nor counted twice.
struct FinalCounts {
  /// Calls of add(), one a second.
  static let roundsKept = 60

  private var counts: [ReportKey: UInt64] = [:]
  private var rounds: [[ReportKey]] = []

  subscript(key: ReportKey) -> UInt64? { counts[key] }

  /// - Parameter maximum: more are not kept: the oldest go at once.
  /// - Returns: those whose time is over.
  mutating func add(_ new: [(ReportKey, UInt64)], maximum: Int) -> [ReportKey] {
    rounds.append(new.map(\.0))
    for (key, count) in new { counts[key] = count }
    var over: [ReportKey] = []
    while rounds.count > Self.roundsKept || counts.count > maximum && rounds.count > 1 {
      let oldest = rounds.removeFirst()
      for key in oldest { counts[key] = nil }
      over += oldest
    }
    return over
  }
}

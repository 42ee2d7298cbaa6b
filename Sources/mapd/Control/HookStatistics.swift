// SPDX-License-Identifier: Apache-2.0
import Shared
import Synchronization

/// How many hook requests were answered how, and how long that took.
public final class HookStatistics: Sendable {
  /// Seconds; the last is the hook's own time limit, after which nobody listens any more.
  public static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2]
  public static let outcomes: [HookAnswer.Outcome] = [.bound, .unmanaged, .confirmed, .removed, .refused, .failed]

  public struct Counts: Sendable {
    public var answers: [Phase: [HookAnswer.Outcome: UInt64]] = [:]
    public var durations: [Phase: Histogram] = [:]
    /// Requests that are no request, and connections of others than root.
    public var notUnderstood: UInt64 = 0
    public var foreign: UInt64 = 0
  }

  private let counts = Mutex(Counts())

  public init() {}

  public var current: Counts { counts.withLock { $0 } }

  /// - Parameter duration: from the whole request to the answer in the socket's buffer.
  func answered(_ phase: Phase, _ outcome: HookAnswer.Outcome, _ duration: Duration) {
    let parts = duration.components
    let seconds = Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    counts.withLock {
      $0.answers[phase, default: [:]][outcome, default: 0] += 1
      $0.durations[phase, default: Histogram(bounds: Self.bounds)].add(seconds)
    }
  }

  func notUnderstood() { counts.withLock { $0.notUnderstood += 1 } }
  func foreign() { counts.withLock { $0.foreign += 1 } }
}

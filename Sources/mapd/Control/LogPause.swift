// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// For lines of the log whose number others decide: one, then none for a while.
final class LogPause: Sendable {
  static let pause = Duration.seconds(60)

  private let told = Mutex<ContinuousClock.Instant?>(nil)

  /// Is it time for a line? Then the pause begins anew.
  func isOver() -> Bool {
    let now = ContinuousClock.now
    return told.withLock { told in
      guard told.map({ now - $0 >= Self.pause }) ?? true else { return false }
      told = now
      return true
    }
  }
}

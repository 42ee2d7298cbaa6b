// SPDX-License-Identifier: Apache-2.0
import Logging
import Synchronization

/// How many connections there may be at once. Further ones are closed and counted.
public final class ConnectionLimit: Sendable {
  public let maximum: Int
  private let state = Mutex((open: 0, refused: UInt64(0)))
  private let telling = LogPause()

  public init(_ maximum: Int) { self.maximum = maximum }

  public var refused: UInt64 { state.withLock { $0.refused } }

  /// - Returns: false when there is no room: close it, and do not leave().
  package func enter(_ socket: String, _ log: Logger) -> Bool {
    let isRoom = state.withLock { state in
      let isRoom = state.open < maximum
      if isRoom { state.open += 1 } else { state.refused += 1 }
      return isRoom
    }
    if !isRoom, telling.isOver() {
      log.warning("connections are turned away", metadata: ["socket": "\(socket)", "maximum": "\(maximum)"])
    }
    return isRoom
  }

  package func leave() { state.withLock { $0.open -= 1 } }
}

// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Log records that wait for the collector, in bounded memory. What finds no room is counted and
/// gone; those that were first stay, because they tell how it began.
final class RecordQueue: Sendable {
  /// Of a batch.
  static let recordsMax = 512
  static let batchBytesMax = 1 << 20

  struct Counts: Sendable, Equatable {
    var sent: UInt64 = 0
    /// No room.
    var dropped: UInt64 = 0
    /// The collector did not want them.
    var rejected: UInt64 = 0
    var waiting = 0
    var waitingBytes = 0
  }

  private struct State {
    var records: [LogRecord] = []
    var counts = Counts()
    var bytesMax = 0
  }

  private let state = Mutex(State())

  var counts: Counts { state.withLock { $0.counts } }

  /// - Parameter bytesMax: 0: nothing more is taken; what waits goes on waiting.
  func limit(_ bytesMax: Int) { state.withLock { $0.bytesMax = bytesMax } }

  var isOn: Bool { state.withLock { $0.bytesMax > 0 } }

  func add(_ record: LogRecord) {
    state.withLock { state in
      guard state.counts.waitingBytes + record.bytesCount <= state.bytesMax else {
        state.counts.dropped += 1
        return
      }
      state.records.append(record)
      state.counts.waiting += 1
      state.counts.waitingBytes += record.bytesCount
    }
  }

  /// The oldest, as many as go into one request; they stay until `done`.
  func batch() -> [LogRecord] {
    state.withLock { state in
      var bytes = 0
      return Array(
        state.records.prefix(Self.recordsMax).prefix { record in
          bytes += record.bytesCount
          return bytes <= Self.batchBytesMax || bytes == record.bytesCount
        })
    }
  }

  /// The oldest `count` are dealt with.
  /// - Parameter rejected: how many of them the collector did not take.
  func done(_ count: Int, rejected: Int) {
    state.withLock { state in
      let rejected = min(rejected, count)
      let bytes = state.records.prefix(count).reduce(0) { $0 + $1.bytesCount }
      state.records.removeFirst(count)
      state.counts.waiting -= count
      state.counts.waitingBytes -= bytes
      state.counts.sent += UInt64(count - rejected)
      state.counts.rejected += UInt64(rejected)
    }
  }
}

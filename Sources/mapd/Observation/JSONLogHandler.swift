// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Glibc
import Logging
import Synchronization

/// From which level on lines are written: one for all loggers of mapd, changed while it runs.
public final class LogThreshold: Sendable {
  private let index = Atomic(Logger.Level.allCases.firstIndex(of: .info)!)

  public init() {}

  public var level: Logger.Level {
    get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
    set { index.store(Logger.Level.allCases.firstIndex(of: newValue)!, ordering: .relaxed) }
  }
}

/// One JSON object a line: time, level, message, and the metadata's keys beside them.
public struct JSONLogHandler: LogHandler {
  public var metadata: Logger.Metadata = [:]
  private let descriptor: Int32
  private let threshold: LogThreshold

  /// - Parameter descriptor: where lines go, each in one write.
  public init(descriptor: Int32, threshold: LogThreshold = LogThreshold()) {
    self.descriptor = descriptor
    self.threshold = threshold
  }

  public var logLevel: Logger.Level {
    get { threshold.level }
    set { threshold.level = newValue }
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var line = ["time": Timestamp.now.iso8601, "level": event.level.rawValue, "message": event.message.description]
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    for (key, value) in all where line[key] == nil { line[key] = value.description }
    let writer = JSONWriter()
    writer.object {
      for (key, value) in line.sorted(by: { $0.key < $1.key }) {
        writer.string(key)
        writer.string(value)
      }
    }
    writeWhole(writer.bytes + [UInt8(ascii: "\n")], to: descriptor)
  }
}

/// One write, so that lines of several threads do not mix. What cannot be written is lost:
/// nobody waits for a log.
func writeWhole(_ bytes: [UInt8], to descriptor: Int32) {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return }
    rest = rest.dropFirst(count)
  }
}

extension Timestamp {
  public static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
  }

  /// A moment of CLOCK_MONOTONIC, nanoseconds, on the wall clock as it stands now. One that
  /// is still to come can only be a damaged record: it counts as now.
  init(monotonic nanoseconds: UInt64) {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let age = max(0, Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - Int64(clamping: nanoseconds))
    let now = Timestamp.now
    let total = now.seconds * 1_000_000_000 + Int64(now.nanoseconds) - age
    self.init(seconds: total / 1_000_000_000, nanoseconds: Int32(total % 1_000_000_000))
  }
}

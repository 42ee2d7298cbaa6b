// SPDX-License-Identifier: Apache-2.0
import Configuration
import ControlMessages
import Glibc
import Logging
import Observation
import ServiceLifecycle
import Synchronization

/// Sends violations and learned executables to an OpenTelemetry collector: in batches, again when
/// it cannot take them now, in bounded memory. Nothing waits for it but the queue.
public final class LogExporter: Service {
  /// For the last batch when mapd ends.
  static let farewell = Duration.seconds(2)

  private let queue = RecordQueue()
  private let settings: Mutex<OTLPSettings>
  private let requests = Mutex(Requests())
  private let log: Logger
  private let version: String
  private let node: String

  /// Attempts, by what became of them.
  struct Requests: Sendable {
    var taken: UInt64 = 0
    var retried: UInt64 = 0
    var refused: UInt64 = 0
  }

  public init(_ settings: OTLPSettings, version: String, log: Logger) {
    self.settings = Mutex(settings)
    self.version = version
    self.log = log
    node = Self.hostName()
    queue.limit(settings.endpoint == nil ? 0 : settings.queueBytes)
  }

  /// From now on; a batch that is on its way is not affected.
  public func change(_ new: OTLPSettings) {
    settings.withLock { $0 = new }
    queue.limit(new.endpoint == nil ? 0 : new.queueBytes)
  }

  public func observe(_ event: ViolationEvent) {
    guard queue.isOn else { return }
    queue.add(LogRecord(event, node: node, version: version, observed: .now))
  }

  public func run() async throws {
    await cancelWhenGracefulShutdown { await self.deliver() }
    guard let endpoint = current.endpoint, let batch = batch() else { return }
    let client = CollectorClient(endpoint: endpoint, headers: current.headers, timeout: Self.farewell)
    if case .taken(let rejected) = await attempt(batch, client, failures: 0) { finish(batch, rejected: rejected) }
  }

  private var current: OTLPSettings { settings.withLock { $0 } }

  private func batch() -> [LogRecord]? {
    let batch = queue.batch()
    return batch.isEmpty ? nil : batch
  }

  /// Until the task is cancelled.
  private func deliver() async {
    var failures = 0
    while !Task.isCancelled {
      let settings = current
      guard let endpoint = settings.endpoint, let batch = batch() else {
        failures = 0
        try? await Task.sleep(for: settings.interval)
        continue
      }
      let client = CollectorClient(endpoint: endpoint, headers: settings.headers, timeout: settings.timeout)
      switch await attempt(batch, client, failures: failures) {
      case .taken(let rejected):
        if failures > 0 {
          log.notice("the collector takes log records again", metadata: ["endpoint": "\(endpoint.text)"])
        }
        failures = 0
        finish(batch, rejected: rejected)
        // A full batch means that there are more.
        if batch.count < RecordQueue.recordsMax { try? await Task.sleep(for: settings.interval) }
      case .refused:
        failures = 0
        finish(batch, rejected: UInt64(batch.count))
      case .again(let pause):
        failures += 1
        try? await Task.sleep(for: pause)
      }
    }
  }

  private func attempt(_ batch: [LogRecord], _ client: CollectorClient, failures: Int) async -> Delivery {
    let delivery: Delivery
    var reason = ""
    do {
      let answer = try await client.post(LogRecord.request(batch, version: version))
      delivery = Delivery(answer, failures: failures)
      reason = "\(answer.status)"
    } catch {
      delivery = .again(after: Delivery.backoff(failures))
      reason = "\(error)"
    }
    requests.withLock {
      switch delivery {
      case .taken: $0.taken += 1
      case .again: $0.retried += 1
      case .refused: $0.refused += 1
      }
    }
    tell(delivery, reason, client.endpoint, isFirst: failures == 0)
    return delivery
  }

  /// Once for each time that the collector goes away, not for each attempt.
  private func tell(_ delivery: Delivery, _ reason: String, _ endpoint: OTLPEndpoint, isFirst: Bool) {
    let metadata: Logger.Metadata = ["endpoint": "\(endpoint.text)", "reason": "\(reason)"]
    switch delivery {
    case .taken(let rejected) where rejected > 0:
      log.warning("the collector did not take some log records", metadata: ["records": "\(rejected)"])
    case .refused: log.error("the collector refused log records; they are dropped", metadata: metadata)
    case .again where isFirst: log.warning("log records wait for the collector", metadata: metadata)
    default: break
    }
  }

  private func finish(_ batch: [LogRecord], rejected: UInt64) {
    queue.done(batch.count, rejected: Int(clamping: rejected))
  }

  private static func hostName() -> String {
    var name = utsname()
    uname(&name)
    return withUnsafeBytes(of: &name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension LogExporter {
  /// For mapctl status: records that nobody will get.
  public var lost: UInt64 {
    let counts = queue.counts
    return counts.dropped + counts.rejected
  }

  func addMetrics(to text: inout MetricsText) {
    let counts = queue.counts
    let requests = requests.withLock { $0 }
    text.family(
      "holdfast_otlp_records_total", .counter, "Log records for the collector: taken, without room, or not wanted.",
      [
        (["outcome": "sent"], Double(counts.sent)), (["outcome": "dropped"], Double(counts.dropped)),
        (["outcome": "rejected"], Double(counts.rejected)),
      ])
    text.family(
      "holdfast_otlp_requests_total", .counter, "Requests to the collector, by what became of them.",
      [
        (["outcome": "taken"], Double(requests.taken)), (["outcome": "retried"], Double(requests.retried)),
        (["outcome": "refused"], Double(requests.refused)),
      ])
    text.single("holdfast_otlp_queue_records", .gauge, "Log records that wait.", Double(counts.waiting))
    text.single("holdfast_otlp_queue_bytes", .gauge, "Memory of those that wait.", Double(counts.waitingBytes))
  }
}

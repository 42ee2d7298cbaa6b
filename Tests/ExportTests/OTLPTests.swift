// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import NIOHTTP1
import Testing

@testable import Export

private func event(_ path: String = "/bin/sh", container: String = "c1", verdict: String = "refuse") -> ViolationEvent {
  ViolationEvent(
    time: "2026-11-21T09:00:00.000000001Z", policy: ["shop/web"], containerID: container, container: "app",
    pod: "web-0", namespace: "shop", executable: path, pid: 7, ppid: 6, uid: 0, comm: "sh", mode: "protect",
    verdict: verdict, reason: "notListed", attach: "lsm", count: 1, generation: 1, interpreter: false)
}

private func record(_ event: ViolationEvent) -> LogRecord {
  LogRecord(event, node: "node-1", version: "1", observed: Timestamp(seconds: 1))
}

/// Bytes by field number, one level deep.
private func fields(_ bytes: [UInt8]) -> [Int: [ProtobufReader.Value]] {
  var reader = ProtobufReader(bytes)
  var fields: [Int: [ProtobufReader.Value]] = [:]
  while let (field, value) = reader.next() { fields[field, default: []].append(value) }
  return fields
}

@Suite struct ProtobufTests {
  @Test(
    arguments: [
      (0, [0x08, 0x00]), (127, [0x08, 0x7f]), (128, [0x08, 0x80, 0x01]),
      (UInt64.max, [0x08] + [UInt8](repeating: 0xff, count: 9) + [0x01]),
    ] as [(UInt64, [UInt8])]) func varints(_ value: UInt64, _ written: [UInt8])
  {
    var writer = ProtobufWriter()
    writer.varint(1, value)
    #expect(writer.bytes == written && fields(written)[1] == [.number(value)])
  }

  @Test func fieldsAboveFifteenAndFixedNumbers() {
    var writer = ProtobufWriter()
    writer.string(16, "ä")
    writer.fixed64(2, 0x0102_0304_0506_0708)
    #expect(writer.bytes == [0x82, 0x01, 2, 0xc3, 0xa4, 0x11, 8, 7, 6, 5, 4, 3, 2, 1])
  }

  /// What a collector answers is not to be trusted.
  @Test(
    arguments: [
      [], [0x0a], [0x0a, 0xff], [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0x0b, 0x0c],
      [0x09, 1],
      [0x0a, 0x02, 0x08], [UInt8](repeating: 0x80, count: 100),
    ] as [[UInt8]]) func damagedAnswersRejectNothing(_ answer: [UInt8])
  { #expect(LogRecord.rejected(answer) == 0) }

  @Test func partialSuccess() {
    var writer = ProtobufWriter()
    writer.message(1) {
      $0.varint(1, 3)
      $0.string(2, "too long")
    }
    #expect(LogRecord.rejected(writer.bytes) == 3)
  }
}

@Suite struct LogRecordTests {
  @Test func aBatchHasEachContainerOnce() throws {
    let batch = [event(container: "c1"), event(container: "c2"), event("/bin/ls", container: "c1")].map(record)
    let groups = fields(LogRecord.request(batch, version: "1"))[1] ?? []
    #expect(groups.count == 2)
    guard case .data(let first) = groups[0], case .data(let scope)? = fields(first)[2]?.first else {
      Issue.record("no scope")
      return
    }
    #expect(fields(scope)[2]?.count == 2)
  }
}

@Suite struct RecordQueueTests {
  @Test func whatFindsNoRoomIsCounted() {
    let queue = RecordQueue()
    let one = record(event())
    queue.limit(3 * one.bytesCount)
    for _ in 0..<5 { queue.add(one) }
    #expect(queue.counts == .init(sent: 0, dropped: 2, rejected: 0, waiting: 3, waitingBytes: 3 * one.bytesCount))
    queue.done(2, rejected: 1)
    queue.add(one)
    #expect(queue.counts == .init(sent: 1, dropped: 2, rejected: 1, waiting: 2, waitingBytes: 2 * one.bytesCount))
    queue.limit(0)
    #expect(!queue.isOn && queue.counts.waiting == 2)
  }

  @Test func aBatchIsBounded() {
    let queue = RecordQueue()
    queue.limit(.max)
    let long = record(event("/" + String(repeating: "x", count: 400_000)))
    for _ in 0..<4 { queue.add(long) }
    #expect(queue.batch().count == 1)
    let short = RecordQueue()
    short.limit(.max)
    for _ in 0..<600 { short.add(record(event())) }
    #expect(short.batch().count == RecordQueue.recordsMax)
  }

  @Test func aRecordLongerThanABatchIsSentAlone() {
    let queue = RecordQueue()
    queue.limit(.max)
    for _ in 0..<2 { queue.add(record(event("/" + String(repeating: "x", count: 2_000_000)))) }
    #expect(queue.batch().count == 1)
  }
}

@Suite struct DeliveryTests {
  @Test(arguments: [
    (200, Delivery.taken(rejected: 0)), (204, .taken(rejected: 0)), (400, .refused), (401, .refused), (413, .refused),
    (500, .refused), (301, .refused),
  ]) func anAnswerDecides(_ code: Int, _ delivery: Delivery) {
    #expect(Delivery(HTTPAnswer(status: .init(statusCode: code)), failures: 0) == delivery)
  }

  @Test(arguments: [429, 502, 503, 504]) func retryAfterIsHonoured(_ code: Int) {
    var answer = HTTPAnswer(status: .init(statusCode: code), headers: ["Retry-After": "7"])
    #expect(Delivery(answer, failures: 5) == .again(after: .seconds(7)))
    answer.headers = ["Retry-After": "1000000000000"]
    #expect(Delivery(answer, failures: 0) == .again(after: .seconds(300)))
    for unreadable in ["-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", ""] {
      answer.headers = ["Retry-After": unreadable]
      guard case .again(let pause) = Delivery(answer, failures: 0) else {
        Issue.record("\(unreadable)")
        continue
      }
      #expect(pause >= .milliseconds(500) && pause <= .seconds(1))
    }
  }

  @Test func pausesGrowToALimit() {
    for (failures, longest) in [(0, 1), (1, 2), (3, 8), (6, 64), (7, 64), (10_000, 64)] {
      let pause = Delivery.backoff(failures)
      #expect(pause >= .seconds(longest) / 2 && pause <= .seconds(longest), "\(failures): \(pause)")
    }
  }
}

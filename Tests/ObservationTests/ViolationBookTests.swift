// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement
import Foundation
import Logging
import Testing

@testable import Observation

func violation(_ path: String, pod: String = "web-0", time: String = "2026-11-21T09:00:00.000000000Z") -> ViolationEvent
{
  ViolationEvent(
    time: time, policy: ["shop/web"], containerID: "c1", container: "nginx", pod: pod, namespace: "shop",
    executable: path, pid: 12, ppid: 1, uid: 33, comm: "sh", mode: "monitor", verdict: "report", reason: "notListed",
    attach: "lsm", count: 1, generation: 1, interpreter: false)
}

func report(_ number: UInt64, cgroup: UInt64 = 1) -> ReportKey {
  ReportKey(cgroup: CgroupKey(id: cgroup), path: [number, 0], reason: 1, verdict: 1)
}

@Suite struct ViolationBookTests {
  @Test func aMillionEqualViolationsAreOneRecordWithAnExactCount() {
    var book = ViolationBook()
    for count: UInt64 in [1, 2, 400_000, 400_000, 1_000_000] {
      book.observe(violation("/bin/x"), executable: Array("/bin/x".utf8), key: report(1), count: count)
    }
    #expect(book.records().map(\.count) == [1_000_000])
  }

  @Test func containersOfOnePodAddUpInOneRecord() {
    var book = ViolationBook()
    book.observe(violation("/bin/x"), executable: [1], key: report(1, cgroup: 1), count: 5)
    book.observe(violation("/bin/x"), executable: [1], key: report(1, cgroup: 2), count: 7)
    #expect(book.records().map(\.count) == [12])
    book.observe(violation("/bin/x", pod: "web-1"), executable: [1], key: report(1, cgroup: 3), count: 1)
    #expect(book.records().count == 2)
  }

  /// The journal reads a count, and another reading overtakes it.
  @Test func aCountThatWasReadEarlierAddsNothing() {
    var book = ViolationBook()
    book.observe(violation("/bin/x"), executable: [1], key: report(1), count: 5)
    book.observe(violation("/bin/x"), executable: [1], key: report(1), count: 2)
    #expect(book.records()[0].count == 5)
  }

  @Test func theLastCountsOfAContainerAreKnownForAWhile() {
    var finals = FinalCounts()
    #expect(finals.add([(report(1), 7)], maximum: 10).isEmpty)
    for _ in 1..<FinalCounts.roundsKept { #expect(finals.add([], maximum: 10).isEmpty) }
    #expect(finals[report(1)] == 7)
    #expect(finals.add([], maximum: 10) == [report(1)])
    #expect(finals[report(1)] == nil)
    // More at once than are kept: the oldest go.
    _ = finals.add([(report(2), 1)], maximum: 1)
    #expect(finals.add([(report(3), 1)], maximum: 1) == [report(2)])
  }

  @Test func whereTheKernelCannotCountEachEventIsOne() {
    var book = ViolationBook()
    for _ in 0..<3 { book.observe(violation("/bin/x"), executable: [1], key: report(1), count: 0) }
    #expect(book.records()[0].count == 3)
  }

  @Test func theHundredSeenLastAreKeptAndTheOthersCounted() {
    var book = ViolationBook()
    for number in 0..<250 {
      let time = Timestamp(seconds: 1_795_251_600 + Int64(number)).iso8601
      let path = Array("/bin/\(number)".utf8)
      book.observe(violation("/bin/\(number)", time: time), executable: path, key: report(UInt64(number)), count: 1)
    }
    #expect(book.records().count == ViolationBook.recordsMax)
    #expect(book.records().first?.latest.executable == "/bin/249")
    #expect(book.records().last?.latest.executable == "/bin/150")
    #expect(book.evicted["shop/web"] == 150)
    // What goes on comes back.
    book.observe(
      violation("/bin/0", time: "2027-01-01T00:00:00Z"), executable: Array("/bin/0".utf8), key: report(0), count: 9)
    #expect(book.records().first?.count == 9)
  }

  /// As text they are equal: what no UTF-8 is, is shown as a replacement character.
  @Test func namesThatOnlyLookEqualAreTwoRecords() {
    var book = ViolationBook()
    book.observe(violation("/\u{fffd}"), executable: [0x2f, 0xff], key: report(1), count: 1)
    book.observe(violation("/\u{fffd}"), executable: [0x2f, 0xfe], key: report(2), count: 1)
    #expect(book.records().count == 2)
  }

  @Test func whatWasSeenIsNotCountedAgainAfterARestart() throws {
    var book = ViolationBook()
    book.observe(violation("/bin/x"), executable: [1], key: report(1), count: 5)
    _ = book.acknowledge(1, at: "2026-11-21T10:00:00Z")
    let page = try ControlCoding.value(ViolationPage.self, from: try ControlCoding.line(book.page("shop/web")))
    var next = ViolationBook()
    next.restore(page, countsGoOn: true)
    let isKnown = next.advance(report(1), count: 5, time: "t")
    #expect(isKnown && next.records()[0].count == 5)
    // The kernel went on while no mapd was there.
    let wentOn = next.advance(report(1), count: 8, time: "2026-11-21T11:00:00Z")
    #expect(wentOn && next.records()[0].count == 8)
    #expect(next.records()[0].acknowledged == "2026-11-21T10:00:00Z")
    let isUnknown = !next.advance(report(2), count: 1, time: "t")
    #expect(isUnknown)
    var rebooted = ViolationBook()
    rebooted.restore(page, countsGoOn: false)
    rebooted.observe(violation("/bin/x"), executable: [1], key: report(1), count: 2)
    #expect(rebooted.records().map(\.count) == [7])
    rebooted.observe(violation("/bin/y"), executable: [2], key: report(2), count: 1)
    #expect(rebooted.records().map(\.id).sorted() == [1, 2])
  }
}

@Suite struct ViolationStoreTests {
  private func directory() -> String { NSTemporaryDirectory() + "violations-\(UUID().uuidString)" }
  private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test func recordsOutliveTheStore() async throws {
    let state = directory()
    defer { try? FileManager.default.removeItem(atPath: state) }
    let store = ViolationStore(stateDirectory: state, log: log)
    await store.observe(violation("/bin/x"), executable: [1], key: report(1), count: 3)
    await store.flush()
    let next = ViolationStore(stateDirectory: state, log: log)
    #expect(await next.records().map(\.count) == [3])
    #expect(await next.records(of: "web").count == 1)
    #expect(await next.records(of: "shop/other").isEmpty)
  }

  @Test func aFileThatCannotBeReadIsSetAsideAndNotLost() async throws {
    let state = directory()
    defer { try? FileManager.default.removeItem(atPath: state) }
    let store = ViolationStore(stateDirectory: state, log: log)
    await store.observe(violation("/bin/x"), executable: [1], key: report(1), count: 3)
    await store.flush()
    let file = try #require(StateFile.names(in: state + "/violations").first)
    try Data("{half".utf8).write(to: URL(fileURLWithPath: "\(state)/violations/\(file)"))
    #expect(await ViolationStore(stateDirectory: state, log: log).records().isEmpty)
    #expect(StateFile.names(in: state + "/violations") == [file + ".unreadable"])
  }

  @Test func whatCannotBeWrittenIsTriedAgain() async throws {
    let state = directory()
    defer { try? FileManager.default.removeItem(atPath: state) }
    let store = ViolationStore(stateDirectory: state, log: log)
    await store.observe(violation("/bin/x"), executable: [1], key: report(1), count: 3)
    let path = state + "/violations"
    try FileManager.default.removeItem(atPath: path)
    await store.flush()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    await store.flush()
    #expect(StateFile.names(in: path).count == 1)
  }
}

@Suite struct LogLimitTests {
  @Test func noMoreLinesThanTheLimitAreWrittenInASecond() {
    var limit = LogLimit()
    let written = (0..<1000).count { _ in limit.takes(5) }
    #expect(written == LogLimit.perSecond && limit.suppressed == UInt64(1000 - LogLimit.perSecond))
    let isNew = limit.takes(6)
    #expect(isNew)
  }

  @Test func whatGoesOnIsToldLessAndLessOften() {
    var repeats = Repeats(now: 0)
    var told = (1...100).filter { repeats.isDue(Int64($0)) }
    #expect(told == [1, 3, 7, 15, 31, 47, 63, 79, 95])
    // After a quiet time it begins anew.
    told = [1000, 1001, 1002].filter { repeats.isDue(Int64($0)) }
    #expect(told == [1000, 1001])
  }
}

@Suite struct StateFileTests {
  @Test func aFileIsReplacedWholeAndForRootAlone() throws {
    let path = NSTemporaryDirectory() + "state-\(UUID().uuidString)"
    defer { unlink(path) }
    try StateFile.write([1, 2, 3], to: path)
    try StateFile.write([4], to: path)
    #expect(try StateFile.read(path) == [4])
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(throws: StateFile.Failure.self) { try StateFile.write([1], to: "/nowhere/file") }
    #expect(try StateFile.read("/nowhere/file") == nil)
  }

  @Test func namesOfFilesAreSafeAndDiffer() {
    let names = ["a/b", "a_b", "../x", String(repeating: "x", count: 500)].map(StateFile.name)
    #expect(Set(names).count == 4)
    #expect(names.allSatisfy { $0.utf8.count < 120 && !$0.contains("/") && !$0.contains(".") })
  }
}

// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Foundation
import Testing

@testable import Enforcement
@testable import Observation

@Suite struct ReportMemoryTests {
  private let path = NSTemporaryDirectory() + "reports-\(UInt32.random(in: 0 ... .max))"

  private func entry(_ number: UInt64, count: UInt64 = 1) -> ReportMemory.Entry {
    ReportMemory.Entry(
      key: ReportKey(cgroup: CgroupKey(id: number), path: [number, 2], reason: 1, verdict: 2),
      event: ViolationEvent(
        time: "t\(number)", policy: ["a/b"], containerID: "c", container: "app", pod: nil, namespace: "a",
        executable: "/bin/\(number)\u{1b}", pid: 1, ppid: 2, uid: 0, comm: "sh", mode: "protect", verdict: "refuse",
        reason: "notListed", attach: "lsm", count: count, generation: 1, interpreter: false))
  }

  @Test func whatWasToldIsKnownToTheNextMapd() {
    defer { unlink(path) }
    let memory = ReportMemory(path: path)
    let entries = [entry(1), entry(2), entry(1, count: 7)]
    for entry in entries { memory.append(entry) }
    #expect(ReportMemory(path: path).load() == entries)
  }

  @Test func aLineThatWasCutOffSpoilsNoOther() throws {
    defer { unlink(path) }
    ReportMemory(path: path).append(entry(1))
    let file = try #require(FileHandle(forWritingAtPath: path))
    file.seekToEndOfFile()
    file.write(Data("{\"event\":".utf8))
    try file.close()
    let next = ReportMemory(path: path)
    #expect(next.load() == [entry(1)])
    next.append(entry(2))
    #expect(ReportMemory(path: path).load() == [entry(1), entry(2)])
  }

  @Test func theFileDoesNotGrowWithoutEnd() throws {
    defer { unlink(path) }
    let memory = ReportMemory(path: path)
    for count in 1...UInt64(ReportMemory.slack + 2) { memory.append(entry(1, count: count)) }
    let last = entry(1, count: 9)
    memory.compact([last.key: last.event])
    memory.append(entry(2))
    #expect(ReportMemory(path: path).load() == [last, entry(2)])
  }

  @Test func withoutItsFileNothingIsKnown() {
    let memory = ReportMemory(path: "/nonexistent/reports")
    memory.append(entry(1))
    memory.compact([:])
    #expect(memory.load().isEmpty)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Contract
import Testing

@testable import Enforcement

@Suite struct GateEventTests {
  private func record(_ path: [String], flags: UInt32 = 0, length: UInt32? = nil, extra: Int = 0) -> [UInt8] {
    let names: [UInt8] = path.flatMap { Array($0.utf8) + [UInt8(0)] }
    var event = hf_event()
    event.time_ns = 11
    event.binding = hf_cgroup_key(id: 12, hierarchy: 13, pad: 0)
    event.path = (14, 15)
    event.binding_id = 16
    event.rule_set = 17
    event.generation = 18
    event.mode = 3
    event.verdict = 2
    event.reason = 1
    event.attach = 1
    event.pid = 19
    event.ppid = 20
    event.uid = 21
    event.flags = flags
    event.path_len = length ?? UInt32(names.count)
    withUnsafeMutableBytes(of: &event.comm) { $0.copyBytes(from: "busybox\0x".utf8) }
    return withUnsafeBytes(of: event) { Array($0) } + names + [UInt8](repeating: 0xff, count: extra)
  }

  private func decode(_ bytes: [UInt8]) -> GateEvent? { bytes.withUnsafeBytes { GateEvent($0) } }

  @Test func aWholeRecordIsReadFieldByField() throws {
    let event = try #require(decode(record(["nc", "bin", "usr"], extra: 200)))
    #expect(String(decoding: event.path, as: UTF8.self) == "/usr/bin/nc")
    #expect(event.cgroup == CgroupKey(id: 12, hierarchy: 13))
    #expect(event.key == ReportKey(cgroup: event.cgroup, path: [14, 15], reason: 1, verdict: 2))
    #expect(event.binding == 16 && event.ruleSet == 17 && event.generation == 18 && event.time == 11)
    #expect(event.mode == 3 && event.attach == 1 && event.pid == 19 && event.ppid == 20 && event.uid == 21)
    #expect(event.comm == Array("busybox".utf8))
    #expect(!event.isInterpreter)
  }

  @Test func flagsAreToldApart() throws {
    let cut = try #require(decode(record(["nc", "bin"], flags: HF_EVENT_PATH_CUT)))
    #expect(cut.path == Array("/.../bin/nc".utf8) && !cut.isInterpreter && !cut.hasWholePath)
    let interpreter = try #require(decode(record(["sh"], flags: HF_EVENT_INTERPRETER)))
    #expect(interpreter.path == Array("/sh".utf8) && interpreter.isInterpreter && interpreter.hasWholePath)
  }

  @Test func aRecordWithoutAPathIsTheRoot() {
    #expect(decode(record([]))?.path == [UInt8(ascii: "/")])
    #expect(decode(record([], flags: HF_EVENT_PATH_CUT))?.path == Array("/...".utf8))
  }

  @Test func everyTruncationIsRefused() {
    let whole = record(["nc", "bin"])
    for count in 0..<whole.count { #expect(decode(Array(whole.prefix(count))) == nil) }
    #expect(decode(whole) != nil)
  }

  @Test(arguments: [8, 4096, UInt32(Int32.max), .max])
  func aLengthBeyondTheRecordIsRefused(_ length: UInt32) {
    #expect(decode(record(["nc"], length: length)) == nil)
  }

  @Test func bytesThatAreNoTextAreKept() throws {
    var bytes = record(["nc"])
    bytes[bytes.count - 2] = 0xfe
    #expect(try #require(decode(bytes)).path == Array("/n".utf8) + [0xfe])
  }

  @Test func anyBytesAreReadOrRefusedWithoutACrash() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      var bytes = (0..<Int.random(in: 100...140, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      if bytes.count > 88 { bytes.replaceSubrange(84..<88, with: [UInt8.random(in: 0...40), 0, 0, 0]) }
      _ = decode(bytes)
    }
  }

  @Test func anUnalignedRecordIsRead() throws {
    let bytes: [UInt8] = [0] + record(["nc"])
    let event = bytes.withUnsafeBytes { GateEvent(UnsafeRawBufferPointer(rebasing: $0[1...])) }
    #expect(event?.pid == 19)
  }
}

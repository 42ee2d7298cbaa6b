// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Foundation
import Testing

@Suite struct MessageTests {
  @Test func aRequestIsOneLineOfPlainJSON() throws {
    #expect(
      String(
        decoding: try ControlCoding.line(ControlRequest(.events, follow: true, limit: 3)),
        as: UTF8.self)
        == #"{"command":"events","follow":true,"limit":3,"version":1}"# + "\n")
    let request = try ControlCoding.value(
      ControlRequest.self, from: #"{"version":1,"command":"status"}"#.utf8)
    #expect(request == ControlRequest(.status))
    #expect(request.failure == nil)
  }

  @Test(arguments: [
    #"{"version":2,"command":"status"}"#, #"{"version":1,"command":"drop"}"#,
    #"{"version":1,"command":"events","limit":-1}"#,
  ]) func aRequestThatCannotBeServedSaysWhy(_ text: String) throws {
    let failure = try #require(
      try ControlCoding.value(ControlRequest.self, from: text.utf8).failure)
    #expect(failure.remedy != nil)
  }

  @Test func namesInJSONAreCamelCase() throws {
    let line = String(
      decoding: try ControlCoding.line(
        ControlResponse.event(
          ViolationEvent(
            time: "t", policy: [], containerID: "i", container: "c", namespace: "n",
            executable: "/e", pid: 1, ppid: 2, uid: 3,
            comm: "e", mode: "protect", verdict: "refuse", reason: "notListed", attach: "lsm",
            count: 1, generation: 1,
            interpreter: false))), as: UTF8.self)
    #expect(
      line
        == #"{"event":{"attachPoint":"lsm","comm":"e","container":"c","containerId":"i","count":1,"executable":"/e","generation":1,"interpreter":false,"mode":"protect","namespace":"n","pid":1,"policy":[],"ppid":2,"reason":"notListed","time":"t","uid":3,"verdict":"refuse"},"ok":true}"#
        + "\n")
  }

  /// The numbers are those of bpf/contract.h, read from the header itself.
  @Test(arguments: [
    ("hf_reason", "HF_REASON_"), ("hf_verdict", "HF_VERDICT_"), ("hf_mode", "HF_MODE_"),
    ("hf_attach", "HF_ATTACH_"), ("hf_counter", "HF_COUNTER_"),
  ])
  func numbersAreThoseOfTheContract(_ name: String, _ prefix: String) throws {
    var root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let header = try String(
      contentsOf: root.appendingPathComponent("bpf/contract.h"), encoding: .utf8)
    let body = try #require(header.range(of: "enum \(name) {")).upperBound
    let entries = header[body...].prefix { $0 != "}" }.split(separator: "\n").compactMap {
      line -> (String, Int)? in
      let parts = line.split(whereSeparator: { " \t=,".contains($0) })
      guard parts.count >= 2, parts[0].hasPrefix(prefix), let number = Int(parts[1]) else {
        return nil
      }
      return (String(parts[0].dropFirst(prefix.count)), number)
    }.filter { $0.0 != "COUNT" && $0.0 != "REASON_BASE" }
    #expect(entries.count >= 4)
    for (constant, number) in entries {
      let words = constant.lowercased().split(separator: "_")
      let camel: String? =
        String(words[0])
        + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
      let ours: String? =
        switch name {
        case "hf_reason": ReasonName(code: UInt32(number))?.rawValue
        case "hf_verdict": VerdictName.name(code: UInt32(number))
        case "hf_mode": ModeName.name(code: UInt32(number))
        case "hf_attach":
          AttachName.name(code: UInt32(number)) == "fmod_ret"
            ? "fmodRet" : AttachName.name(code: UInt32(number))
        default: CounterName.name(index: number)
        }
      #expect(ours == camel)
    }
    if name == "hf_reason" { #expect(entries.count == ReasonName.allCases.count) }
  }

  @Test func everyReasonIsExplainedInOneSentence() {
    for reason in ReasonName.allCases {
      #expect(ReasonName(code: reason.code) == reason)
      for text in [reason.explanation, reason.remedy] {
        #expect(!text.isEmpty && !text.hasSuffix("."))
      }
    }
    #expect(ReasonName.name(code: 99) == "reason99")
    #expect(CounterName.name(index: 17) == "reason.notListed")
    #expect(CounterName.name(index: 15) == nil)
  }

  @Test func timesAreWrittenAndReadBack() {
    let known = Timestamp(seconds: 1_795_251_600, nanoseconds: 5)
    #expect(known.iso8601 == "2026-11-21T09:00:00.000000005Z")
    #expect(Timestamp(iso8601: "2026-11-21T09:00:00Z")?.seconds == 1_795_251_600)
    #expect(Timestamp(iso8601: "2026-11-21T09:00:00.5Z")?.nanoseconds == 500_000_000)
    for seconds: Int64 in [
      0, 951_782_399, 951_782_400, 951_868_800, 4_107_542_399, -1, 253_402_300_799,
    ] {
      let time = Timestamp(seconds: seconds, nanoseconds: 123)
      #expect(Timestamp(iso8601: time.iso8601) == time)
      let formatter = ISO8601DateFormatter()
      #expect(
        time.iso8601.hasPrefix(
          formatter.string(from: Date(timeIntervalSince1970: Double(seconds))).dropLast()))
    }
    for bad in [
      "", "now", "2026-11-21", "2026-13-21T09:00:00Z", "2026-11-21T09:00:00.Z",
      "2026-11-21T09:00:00.1234567890Z", "2026-11-21 09:00:00Z",
    ] {
      #expect(Timestamp(iso8601: bad) == nil)
    }
  }
}

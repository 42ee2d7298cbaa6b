// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Foundation
import Logging
import Testing

@testable import Observation

@Suite struct JSONLogHandlerTests {
  /// The lines that `body` logs, read back from a pipe.
  private func lines(_ body: (inout Logger) -> Void) throws -> [[UInt8]] {
    let pipe = Pipe()
    var logger = Logger(label: "test") { _ in JSONLogHandler(descriptor: pipe.fileHandleForWriting.fileDescriptor) }
    logger.logLevel = .debug
    body(&logger)
    try pipe.fileHandleForWriting.close()
    let bytes = [UInt8](try pipe.fileHandleForReading.readToEnd() ?? Data())
    #expect(bytes.isEmpty || bytes.last == 0x0a)
    return bytes.split(separator: 0x0a).map(Array.init)
  }

  private func object(_ line: [UInt8]) throws -> [String: String] {
    try ControlCoding.value([String: String].self, from: line)
  }

  @Test func aMessageIsOneObjectWithItsMetadataBeside() throws {
    let lines = try lines { $0.warning("hello", metadata: ["container": "c1", "n": "\(3)"]) }
    let object = try object(try #require(lines.first))
    #expect(lines.count == 1 && object["message"] == "hello" && object["level"] == "warning")
    #expect(object["container"] == "c1" && object["n"] == "3")
    #expect(Timestamp(iso8601: object["time"] ?? "") != nil)
  }

  @Test(arguments: [
    "line\nfeed", "\r\n", "quote\" and \\ backslash", "\0\u{1}\u{1f}\u{7f}\u{9b}31m", "\u{2028}\u{2029}", "\u{feff}",
    "}{\"level\":\"x\"}\n{", "é 日本 👩‍👩‍👧", String(decoding: [0xff, 0xc3, 0x28] as [UInt8], as: UTF8.self), "",
    String(repeating: "x", count: 15_000),
  ])
  func hostileTextStaysOneLineOfJSON(_ text: String) throws {
    let lines = try lines { $0.error("\(text)", metadata: ["key": "\(text)", "\(text)!": "v"]) }
    #expect(lines.count == 1)
    let object = try object(try #require(lines.first))
    #expect(object["message"] == text && object["key"] == text && object["\(text)!"] == "v")
  }

  @Test func metadataDoesNotReplaceWhatTheLineIsAbout() throws {
    let lines = try lines { $0.info("real", metadata: ["message": "forged", "level": "x", "time": "y"]) }
    let object = try object(try #require(lines.first))
    #expect(object["message"] == "real" && object["level"] == "info" && object["time"] != "y")
  }

  @Test func metadataOfTheLoggerIsThereAndOfTheCallWins() throws {
    let lines = try lines {
      $0[metadataKey: "a"] = "1"
      $0[metadataKey: "b"] = "2"
      $0.info("x", metadata: ["b": "3"])
      $0[metadataKey: "a"] = nil
      $0.info("y")
    }
    #expect(try object(lines[0]).filter { $0.key.count == 1 } == ["a": "1", "b": "3"])
    #expect(try object(lines[1]).filter { $0.key.count == 1 } == ["b": "2"])
  }

  @Test func lessThanTheLevelIsNotWritten() throws {
    let lines = try lines {
      $0.logLevel = .warning
      $0.info("no")
      $0.warning("yes")
    }
    #expect(lines.count == 1)
  }

  @Test func aDescriptorThatIsClosedIsNoHarm() {
    writeWhole([1, 2, 3], to: -1)
    writeWhole([], to: -1)
  }
}

@Suite struct MomentTests {
  @Test func nowIsNow() {
    let before = time(nil)
    let now = Timestamp.now
    #expect(now.seconds >= Int64(before) - 1 && now.seconds <= Int64(time(nil)) + 1)
    #expect((0..<1_000_000_000).contains(now.nanoseconds))
  }

  @Test func aMonotonicMomentIsPlacedOnTheWallClock() {
    var clock = timespec()
    clock_gettime(CLOCK_MONOTONIC, &clock)
    let nanoseconds = UInt64(clock.tv_sec) * 1_000_000_000 + UInt64(clock.tv_nsec)
    let now = Timestamp.now
    let age = { (moment: Timestamp) in
      (now.seconds - moment.seconds) * 1000 + Int64(now.nanoseconds - moment.nanoseconds) / 1_000_000
    }
    #expect(abs(age(Timestamp(monotonic: nanoseconds))) < 1000)
    #expect(abs(age(Timestamp(monotonic: nanoseconds - 5_000_000_000)) - 5000) < 1000)
  }

  @Test(arguments: [0, 1, UInt64(Int64.max), .max]) func noMomentCrashes(_ nanoseconds: UInt64) {
    _ = Timestamp(monotonic: nanoseconds).iso8601
  }
}

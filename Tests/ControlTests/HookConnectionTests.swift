// SPDX-License-Identifier: Apache-2.0
import CLinux
import Logging
import NIOCore
import NIOEmbedded
import Shared
import Testing

@testable import Control

/// A connection of a hook, on a loop that this test turns.
@Suite struct HookConnectionTests {
  private final class Hook {
    let channel: EmbeddedChannel
    let statistics = HookStatistics()
    let connections = OpenConnections()
    private(set) var asked: [HookRequest] = []

    init(uid: UInt32 = 0) throws {
      channel = EmbeddedChannel()
      let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      let connection = HookConnection(hf_peer(pid: 5, uid: uid, gid: uid), statistics, connections, log) {
        [unowned self] in
        asked.append($0)
        return HookAnswer(.bound)
      }
      try channel.pipeline.syncOperations.addHandler(connection)
      try channel.connect(to: SocketAddress(unixDomainSocketPath: "/hook")).wait()
    }

    func send(_ bytes: some Sequence<UInt8>) throws { _ = try channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// nil: nothing was written.
    func answer() throws -> HookAnswer? {
      channel.embeddedEventLoop.run()
      guard let bytes = try channel.readOutbound(as: ByteBuffer.self) else { return nil }
      return try HookAnswer(decoding: Array(bytes.readableBytesView))
    }

    var isOpen: Bool { channel.isActive }
    var notUnderstood: UInt64 { statistics.current.notUnderstood }
  }

  private let request = HookRequest(
    phase: .createRuntime, status: .creating, pid: 7, id: Array("c1".utf8), bundle: Array("/b".utf8))

  @Test func aRequestIsAnsweredAndTheConnectionClosed() throws {
    let hook = try Hook()
    try hook.send(request.encode())
    #expect(try hook.answer()?.outcome == .bound)
    #expect(hook.asked == [request] && !hook.isOpen && hook.notUnderstood == 0)
    #expect(hook.statistics.current.answers[.createRuntime]?[.bound] == 1)
    #expect(hook.statistics.current.durations[.createRuntime]?.counts.reduce(0, +) == 1)
  }

  @Test func aRequestMayComeByteByByte() throws {
    let hook = try Hook()
    let bytes = try request.encode()
    for byte in bytes.dropLast() {
      try hook.send([byte])
      #expect(try hook.answer() == nil && hook.isOpen)
    }
    try hook.send([bytes.last!])
    #expect(try hook.answer()?.outcome == .bound && hook.asked.count == 1)
  }

  @Test func whatIsNoRequestIsAnsweredSoAndCounted() throws {
    let bytes = try request.encode()
    for wrong in [
      Array("GET / HTTP/1.1\r\n\r\n".utf8), bytes + [0], bytes + bytes, Array(repeating: 0xff, count: 9000),
    ] {
      let hook = try Hook()
      try hook.send(wrong)
      #expect(try hook.answer()?.outcome == .failed)
      #expect(hook.asked.isEmpty && !hook.isOpen && hook.notUnderstood == 1)
    }
  }

  @Test func oneThatGoesBeforeItsRequestIsWholeIsCounted() throws {
    for count in [0, 5, 20] {
      let hook = try Hook()
      if count > 0 { try hook.send(request.encode().prefix(count)) }
      hook.channel.close(promise: nil)
      #expect(try hook.answer() == nil && hook.asked.isEmpty && hook.notUnderstood == 1)
    }
  }

  @Test func oneThatIsSilentIsCutOffAndOneThatGoesOnIsNot() throws {
    let hook = try Hook()
    hook.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    try hook.send(request.encode().prefix(3))
    hook.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    #expect(hook.isOpen)
    hook.channel.embeddedEventLoop.advanceTime(by: .seconds(3))
    #expect(!hook.isOpen && hook.notUnderstood == 1 && hook.asked.isEmpty)

    let silent = try Hook()
    silent.channel.embeddedEventLoop.advanceTime(by: .seconds(3))
    #expect(!silent.isOpen && silent.notUnderstood == 1)
  }

  @Test func anotherThanRootIsNotAsked() throws {
    let hook = try Hook(uid: 1000)
    #expect(!hook.isOpen)
    _ = try? hook.send(request.encode())
    #expect(try hook.answer() == nil && hook.asked.isEmpty)
    #expect(hook.statistics.current.foreign == 1 && hook.notUnderstood == 0)
  }

  @Test func theEndIsWaitedForUntilAllAreClosed() throws {
    let hook = try Hook()
    let loop = hook.channel.embeddedEventLoop
    let ended = NIOLoopBoundBox(false, eventLoop: loop)
    hook.connections.whenNone(on: loop).whenSuccess { ended.value = true }
    loop.run()
    #expect(!ended.value)
    try hook.send(request.encode())
    #expect(try hook.answer()?.outcome == .bound)
    loop.run()
    #expect(ended.value)
    hook.connections.whenNone(on: loop).whenSuccess { ended.value = false }
    loop.run()
    #expect(!ended.value)
  }
}

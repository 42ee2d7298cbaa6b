// SPDX-License-Identifier: Apache-2.0
import CLinux
import Logging
import NIOCore
import Shared

/// One request and its answer. A connection's trouble ends that connection only.
final class HookConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let peer: hf_peer
  private let statistics: HookStatistics
  private let connections: OpenConnections
  private let log: Logger
  private let answer: (HookRequest) -> HookAnswer
  private var frame: [UInt8] = []
  /// Answered, or not to be answered any more.
  private var isDone = false
  private var wasHeard = false
  private var silence: Scheduled<Void>?

  /// - Parameter answer: asks the registry, on this thread.
  init(
    _ peer: hf_peer, _ statistics: HookStatistics, _ connections: OpenConnections, _ log: Logger,
    answer: @escaping (HookRequest) -> HookAnswer
  ) {
    self.peer = peer
    self.statistics = statistics
    self.connections = connections
    self.log = log
    self.answer = answer
  }

  func channelActive(context: ChannelHandlerContext) {
    connections.opened()
    // The socket is root's alone; this holds should its mode ever be changed.
    guard peer.uid == 0 else {
      isDone = true
      statistics.foreign()
      log.warning("hook request refused", metadata: ["uid": "\(peer.uid)", "pid": "\(peer.pid)"])
      return context.close(promise: nil)
    }
    limitSilence(context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDone else { return }
    wasHeard = true
    frame += unwrapInboundIn(data).readableBytesView
    do throws(WireError) {
      guard try Frame.bytesMissing(in: frame, kind: .request) == 0 else { return }
      let request = try HookRequest(decoding: frame)
      let begin = ContinuousClock.now
      let answer = answer(request)
      send(answer, context)
      statistics.answered(request.phase, answer.outcome, ContinuousClock.now - begin)
    } catch {
      notUnderstood(error)
      send(HookAnswer(.failed, reason: Array("request not understood: \(error.text)".utf8)), context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    silence?.cancel()
    // Gone, or cut off, before its request was whole.
    if !isDone { notUnderstood(.truncated) }
    connections.closed()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    isDone = true
    log.debug("connection ended", metadata: ["socket": "hook", "reason": "\(error)"])
    context.close(promise: nil)
  }

  private func send(_ answer: HookAnswer, _ context: ChannelHandlerContext) {
    isDone = true
    silence?.cancel()
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answer.encode()))).whenComplete { _ in
      channel.close(promise: nil)
    }
  }

  private func notUnderstood(_ reason: WireError) {
    statistics.notUnderstood()
    log.warning("hook request not understood", metadata: ["pid": "\(peer.pid)", "reason": "\(reason.text)"])
  }

  /// Cuts off a peer that sends nothing for so long, and whose request is not whole. From then on it
  /// is mapd that takes its time; the hook has its own limit.
  private func limitSilence(_ context: ChannelHandlerContext) {
    silence = context.eventLoop.assumeIsolated().scheduleTask(in: UnixServer.idle) { [weak self] in
      guard let self, !isDone else { return }
      guard wasHeard else { return context.close(promise: nil) }
      wasHeard = false
      limitSilence(context)
    }
  }
}

/// How many are open; on the loop only.
final class OpenConnections {
  private var count = 0
  private var waiting: [EventLoopPromise<Void>] = []

  func opened() { count += 1 }

  func closed() {
    count -= 1
    guard count == 0 else { return }
    for promise in waiting { promise.succeed() }
    waiting = []
  }

  func whenNone(on loop: any EventLoop) -> EventLoopFuture<Void> {
    guard count > 0 else { return loop.makeSucceededVoidFuture() }
    let promise = loop.makePromise(of: Void.self)
    waiting.append(promise)
    return promise.futureResult
  }
}

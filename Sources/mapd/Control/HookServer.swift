// SPDX-License-Identifier: Apache-2.0
import Admission
import CLinux
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Shared
import Synchronization

/// The hooks' end: reads one request a connection, asks the registry, answers.
///
/// Its event loop is the registry's executor: from the connection to the answer nothing is handed
/// from one thread to another, for each such turn costs more than the work itself.
public final class HookServer: Service {
  /// One thread, and nobody else's: what operators and scrapers ask for does not hold up a hook.
  private static let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()

  /// Give it to the registry that is to be asked.
  public static var executor: any SerialExecutor { loop.executor }

  let registry: ContainerRegistry
  let statistics: HookStatistics
  let log: Logger
  private let listener: any Channel
  private let connections: NIOLoopBoundBox<OpenConnections>

  /// Returns when the socket takes connections, which are answered at once.
  public init(
    registry: ContainerRegistry, statistics: HookStatistics, place: UnixServer.Place, log: Logger
  ) async throws {
    self.registry = registry
    self.statistics = statistics
    self.log = log
    let connections = NIOLoopBoundBox.makeBoxSendingValue(OpenConnections(), eventLoop: Self.loop)
    let bootstrap = ServerBootstrap(group: Self.loop)
      .serverChannelOption(.backlog, value: 1024)
      .childChannelInitializer { channel in
        UnixServer.peer(of: channel).flatMapThrowing { peer in
          try channel.pipeline.syncOperations.addHandler(
            HookConnection(
              peer: peer, registry: registry, statistics: statistics, connections: connections.value, log: log))
        }
      }
    listener = try await UnixServer.listen(place) { path in
      try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
    } inherited: { descriptor in
      try await bootstrap.withBoundSocket(descriptor).get()
    }
    self.connections = connections
  }

  /// Until mapd ends: then no more connections are taken, and those that were are answered.
  public func run() async throws {
    let isWanted = Atomic(false)
    let end: @Sendable () -> Void = { [listener] in
      isWanted.store(true, ordering: .relaxed)
      listener.close(promise: nil)
    }
    try await withTaskCancellationHandler {
      try await withGracefulShutdownHandler {
        try await listener.closeFuture.get()
      } onGracefulShutdown: {
        end()
      }
    } onCancel: {
      end()
    }
    guard isWanted.load(ordering: .relaxed) else { throw ChannelError.alreadyClosed }
    try await Self.loop.flatSubmit { [connections] in connections.value.whenNone(on: Self.loop) }.get()
  }
}

/// How many are open; on the loop only.
private final class OpenConnections {
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

/// One request and its answer. A connection's trouble ends that connection only.
private final class HookConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let peer: hf_peer
  private let registry: ContainerRegistry
  private let statistics: HookStatistics
  private let connections: OpenConnections
  private let log: Logger
  private var frame: [UInt8] = []
  /// Answered, or not to be answered any more.
  private var isDone = false
  private var wasHeard = false
  private var silence: Scheduled<Void>?

  init(
    peer: hf_peer, registry: ContainerRegistry, statistics: HookStatistics, connections: OpenConnections, log: Logger
  ) {
    self.peer = peer
    self.registry = registry
    self.statistics = statistics
    self.connections = connections
    self.log = log
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
      let answer = registry.assumeIsolated { [peer] in $0.answer(request, caller: peer.pid) }
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

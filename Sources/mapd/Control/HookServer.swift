// SPDX-License-Identifier: Apache-2.0
import Admission
import CLinux
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
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

  private let listener: any Channel
  private let connections: NIOLoopBoundBox<OpenConnections>

  /// Returns when the socket takes connections, which are answered at once.
  public init(
    registry: ContainerRegistry, statistics: HookStatistics, place: UnixServer.Place, log: Logger
  ) async throws {
    let connections = NIOLoopBoundBox.makeBoxSendingValue(OpenConnections(), eventLoop: Self.loop)
    let bootstrap = ServerBootstrap(group: Self.loop)
      .serverChannelOption(.backlog, value: 1024)
      .childChannelInitializer { channel in
        UnixServer.peer(of: channel).flatMapThrowing { peer in
          let connection = HookConnection(peer, statistics, connections.value, log) { request in
            registry.assumeIsolated { $0.answer(request, caller: peer.pid) }
          }
          try channel.pipeline.syncOperations.addHandler(connection)
        }
      }
    listener = try await UnixServer.listen(place) { path in
      try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
    } inherited: { descriptor in
      try await bootstrap.withBoundSocket(descriptor).get()
    }
    self.connections = connections
    Self.loop.execute {
      // On a node that starts hundreds of containers at once, all of them wait for this thread, and it
      // would have to wait for each of them.
      if hf_hurry() == 0 { log.notice("hooks are answered at no higher priority than that of other processes") }
    }
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

// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Serves one Unix socket: one request a connection, each in a task of its own.
public struct UnixServer: Service {
  public typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

  public enum Place: Sendable {
    /// Made here, with this mode and, if one is given, group; a stale one is replaced.
    case path(String, mode: mode_t, group: gid_t? = nil)
    /// Given by systemd, which goes on accepting while mapd restarts.
    case inherited(descriptor: CInt)
  }

  /// A peer that sends nothing for so long is cut off.
  static let idle = TimeAmount.seconds(3)

  private static let idleName = "idle"

  /// For a connection that is meant to be silent from now on.
  static func allowSilence(_ connection: Connection) {
    connection.channel.pipeline.removeHandler(name: idleName, promise: nil)
  }

  /// Connections of others than root at once: what root and hooks need is not theirs to take.
  public static let readersMax = 16

  let name: String
  let log: Logger
  let readers: ConnectionLimit
  let serve: @Sendable (Connection, hf_peer) async throws -> Void
  private let server: NIOAsyncChannel<Accepted, Never>

  private struct Accepted: Sendable {
    let connection: Connection
    let peer: hf_peer
  }

  /// Returns when the socket takes connections; run() answers them.
  public init(
    name: String, place: Place, readers: ConnectionLimit = ConnectionLimit(readersMax), log: Logger,
    serve: @escaping @Sendable (Connection, hf_peer) async throws -> Void
  ) async throws {
    self.name = name
    self.log = log
    self.readers = readers
    self.serve = serve
    server = try await Self.listen(place)
  }

  public func run() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      try await server.executeThenClose { connections in
        for try await accepted in connections.cancelOnGracefulShutdown() {
          group.addTask { await answer(accepted.connection, accepted.peer) }
        }
      }
    }
  }

  private static func listen(_ place: Place) async throws -> NIOAsyncChannel<Accepted, Never> {
    let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.backlog, value: 1024)
    return try await bind(bootstrap, place) { channel in
      peer(of: channel).flatMapThrowing { peer in
        try channel.pipeline.syncOperations.addHandler(IdleStateHandler(readTimeout: idle), name: idleName)
        try channel.pipeline.syncOperations.addHandler(CloseWhenIdle())
        return Accepted(connection: try Connection(wrappingChannelSynchronously: channel), peer: peer)
      }
    }
  }

  package static func bind<Accepted: Sendable>(
    _ bootstrap: ServerBootstrap, _ place: Place,
    _ prepare: @escaping @Sendable (any Channel) -> EventLoopFuture<Accepted>
  ) async throws -> NIOAsyncChannel<Accepted, Never> {
    try await listen(place) { path in
      try await bootstrap.bind(
        unixDomainSocketPath: path, cleanupExistingSocketFile: true, childChannelInitializer: prepare)
    } inherited: { descriptor in
      try await bootstrap.bind(descriptor, childChannelInitializer: prepare)
    }
  }

  /// Listens in a place: the one way for all of mapd's sockets.
  static func listen<Server: Sendable>(
    _ place: Place, path bind: (String) async throws -> Server,
    inherited take: (CInt) async throws -> Server
  ) async throws -> Server {
    switch place {
    case .inherited(let descriptor): return try await take(descriptor)
    case .path(let path, let mode, let group):
      // Made unreachable first: no one gets in between bind and chmod.
      let old = umask(0o777)
      defer { umask(old) }
      let server: Server
      do { server = try await bind(path) } catch { throw NoPlace(path: path, reason: error) }
      if let group, chown(path, uid_t.max, group) != 0 {
        throw Errno(operation: "give \(path) to group \(group), as sockets.group says; mapd must be in that group")
      }
      guard chmod(path, mode) == 0 else { throw Errno(operation: "chmod \(path)") }
      return server
    }
  }

  /// A connection's trouble ends that connection only.
  private func answer(_ connection: Connection, _ peer: hf_peer) async {
    // More than there is room for.
    guard peer.uid == 0 || readers.enter(name, log) else { return await Self.turnAway(connection) }
    defer { if peer.uid != 0 { readers.leave() } }
    do {
      try await serve(connection, peer)
    } catch {
      log.debug("connection ended", metadata: ["socket": "\(name)", "reason": "\(error)"])
    }
  }

  /// Closes a connection that nobody serves. NIO ends the process for one that is let go unused, and
  /// for one that only its channel is closed of.
  package static func turnAway<Inbound, Outbound>(_ connection: NIOAsyncChannel<Inbound, Outbound>) async {
    try? await connection.executeThenClose { _, _ in }
  }

  static func peer(of channel: any Channel) -> EventLoopFuture<hf_peer> {
    guard let socket = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(Errno(operation: "no socket behind the connection"))
    }
    return socket.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
  }

  /// Nothing can listen at this path.
  struct NoPlace: Error, CustomStringConvertible {
    let path: String
    let reason: any Error

    var description: String {
      var status = stat()
      let isForeign = lstat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFSOCK
      return "listen at \(path): " + (isForeign ? "something that is no socket is there; remove it" : "\(reason)")
    }
  }

  struct Errno: Error, CustomStringConvertible {
    let description: String
    init(operation: String) { description = "\(operation): \(String(cString: strerror(errno)))" }
  }
}

package final class CloseWhenIdle: ChannelInboundHandler {
  package typealias InboundIn = Any

  package init() {}

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Control
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Serves `GET /metrics` over HTTP/1.1 on a Unix socket, and on a loopback address if one is set.
public struct MetricsServer: Service {
  typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
  typealias Listener = NIOAsyncChannel<Connection, Never>

  /// Scrapers are few. Further connections are closed at once.
  public static let connectionsMax = 16
  /// A peer that sends nothing for so long is cut off.
  static let idle = TimeAmount.seconds(10)
  /// Bytes of a request's headers together; longer ones are answered with 431 by NIO and closed.
  static let headersMax = 16 << 10

  private let collector: MetricsCollector
  private let log: Logger
  private let listeners: [Listener]
  private let limit: ConnectionLimit

  /// Returns when connections are taken; run() answers them.
  /// - Parameter address: host and port of a loopback interface.
  public init(
    collector: MetricsCollector, place: UnixServer.Place?, address: (host: String, port: Int)?,
    limit: ConnectionLimit, log: Logger
  ) async throws {
    self.collector = collector
    self.limit = limit
    self.log = log
    var listeners: [Listener] = []
    if let place { listeners.append(try await UnixServer.bind(Self.bootstrap, place, Self.prepare)) }
    if let address {
      do {
        listeners.append(
          try await Self.bootstrap.bind(host: address.host, port: address.port, childChannelInitializer: Self.prepare))
      } catch {
        throw NoAddress(address: address, reason: error)
      }
    }
    self.listeners = listeners
  }

  public func run() async throws {
    guard !listeners.isEmpty else { return try await gracefulShutdown() }
    try await withThrowingDiscardingTaskGroup { group in
      for listener in listeners { group.addTask { try await serve(listener) } }
    }
  }

  private func serve(_ listener: Listener) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      try await listener.executeThenClose { connections in
        for try await connection in connections.cancelOnGracefulShutdown() {
          group.addTask { await answer(connection) }
        }
      }
    }
  }

  private static var bootstrap: ServerBootstrap {
    ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.backlog, value: 64)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
  }

  private static let prepare: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
    channel.eventLoop.makeCompletedFuture {
      var limits = NIOHTTPDecoderLimitConfiguration()
      limits.maxHeaderListSize = headersMax
      try channel.pipeline.syncOperations.addHandler(IdleStateHandler(readTimeout: idle))
      try channel.pipeline.syncOperations.addHandler(CloseWhenIdle())
      try channel.pipeline.syncOperations.configureHTTPServerPipeline(
        withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
      return try Connection(wrappingChannelSynchronously: channel)
    }
  }

  /// One request a connection: a scraper comes every few seconds.
  private func answer(_ connection: Connection) async {
    guard limit.enter("metrics", log) else { return await UnixServer.turnAway(connection) }
    defer { limit.leave() }
    do {
      try await connection.executeThenClose { inbound, outbound in
        for try await part in inbound {
          guard case .head(let head) = part else { continue }
          let (status, type, body) = await response(to: head)
          var headers = HTTPHeaders([
            ("Content-Type", type), ("Content-Length", "\(body.utf8.count)"), ("Connection", "close"),
          ])
          if status == .methodNotAllowed { headers.add(name: "Allow", value: "GET, HEAD") }
          try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
          if head.method != .HEAD { try await outbound.write(.body(.byteBuffer(ByteBuffer(string: body)))) }
          try await outbound.write(.end(nil))
          return
        }
      }
    } catch {
      log.debug("a scrape ended", metadata: ["reason": "\(error)"])
    }
  }

  private func response(to head: HTTPRequestHead) async -> (HTTPResponseStatus, String, String) {
    guard head.uri.prefix(while: { $0 != "?" }) == "/metrics" else {
      return (.notFound, "text/plain", "metrics are at /metrics\n")
    }
    guard head.method == .GET || head.method == .HEAD else {
      return (.methodNotAllowed, "text/plain", "metrics are only read\n")
    }
    return (.ok, "text/plain; version=0.0.4; charset=utf-8", await collector.text())
  }

  struct NoAddress: Error, CustomStringConvertible {
    let address: (host: String, port: Int)
    let reason: any Error

    var description: String {
      "listen at \(address.host):\(address.port) for metrics: \(reason); free it, or change metrics.address"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Configuration
import NIOCore
import NIOHTTP1
import NIOPosix

/// One POST to the collector, on a connection of its own.
struct CollectorClient: Sendable {
  /// Of an answer; a longer one is not read to its end.
  static let answerMax = 64 << 10

  let endpoint: OTLPEndpoint
  let headers: [String: String]
  let timeout: Duration

  private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

  /// - Throws: when there is no answer within `timeout`.
  func post(_ body: [UInt8]) async throws -> HTTPAnswer {
    try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
      group.addTask { try await exchange(body) }
      group.addTask {
        try await Task.sleep(for: timeout)
        throw NoAnswer(endpoint: endpoint, timeout: timeout)
      }
      defer { group.cancelAll() }
      return try await group.next()!
    }
  }

  private func exchange(_ body: [UInt8]) async throws -> HTTPAnswer {
    let connection = try await connect()
    return try await connection.executeThenClose { inbound, outbound in
      var fields = HTTPHeaders([
        ("Host", endpoint.host), ("Content-Type", "application/x-protobuf"), ("Content-Length", "\(body.count)"),
        ("Connection", "close"), ("User-Agent", "holdfast-mapd"),
      ])
      for (name, value) in headers { fields.replaceOrAdd(name: name, value: value) }
      try await outbound.write(
        .head(HTTPRequestHead(version: .http1_1, method: .POST, uri: endpoint.path, headers: fields)))
      try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body))))
      try await outbound.write(.end(nil))
      var answer: HTTPAnswer?
      for try await part in inbound {
        switch part {
        case .head(let head): answer = HTTPAnswer(status: head.status, headers: head.headers)
        case .body(let bytes): answer?.body += bytes.readableBytesView
        case .end: return answer ?? HTTPAnswer(status: .badGateway)
        }
        if let answer, answer.body.count > Self.answerMax { return answer }
      }
      throw NoAnswer(endpoint: endpoint, timeout: nil)
    }
  }

  private func connect() async throws -> Connection {
    let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
    let prepare: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        return try Connection(wrappingChannelSynchronously: channel)
      }
    }
    switch endpoint.place {
    case .unix(let path): return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: prepare)
    case .tcp(let host, let port):
      return try await bootstrap.connect(host: host, port: port, channelInitializer: prepare)
    }
  }

  struct NoAnswer: Error, CustomStringConvertible {
    let endpoint: OTLPEndpoint
    /// nil: the connection was closed before.
    let timeout: Duration?

    var description: String {
      timeout.map { "no answer of \(endpoint.text) within \($0)" } ?? "\(endpoint.text) closed without an answer"
    }
  }
}

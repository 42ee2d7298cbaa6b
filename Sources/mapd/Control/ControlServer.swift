// SPDX-License-Identifier: Apache-2.0
import Admission
import CLinux
import ControlMessages
import Logging
import NIOCore
import Observation
import ServiceLifecycle

/// The operator's end: one line of JSON asks, lines of JSON answer.
public struct ControlServer: Sendable {
  let reporter: Reporter
  let journal: EventJournal
  let violations: ViolationStore
  let tracer: Tracer
  let operations: Operations
  let log: Logger
  private let telling = LogPause()

  public init(
    reporter: Reporter, journal: EventJournal, violations: ViolationStore, tracer: Tracer, operations: Operations,
    log: Logger
  ) {
    self.reporter = reporter
    self.journal = journal
    self.violations = violations
    self.tracer = tracer
    self.operations = operations
    self.log = log
  }

  public func serve(_ connection: UnixServer.Connection, _ peer: hf_peer) async throws {
    try await connection.executeThenClose { inbound, _ in
      var parts = inbound.makeAsyncIterator()
      var line: [UInt8] = []
      var isWhole = false
      while !isWhole, line.count <= ControlRequest.maxBytes {
        guard let part = try await parts.next() else { break }
        isWhole = part.readableBytesView.contains(UInt8(ascii: "\n"))
        line += part.readableBytesView
      }
      // Written when this returns: what still waits when the connection is closed is dropped.
      @Sendable func send(_ responses: ControlResponse...) async throws { try await send(all: responses) }
      @Sendable func send(all responses: [ControlResponse]) async throws {
        let bytes = try responses.flatMap { try ControlCoding.line($0) }
        try await connection.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
      }
      guard line.count <= ControlRequest.maxBytes else {
        return try await send(
          .failure(ControlFailure(message: "the request is longer than \(ControlRequest.maxBytes) bytes")))
      }
      let request: ControlRequest
      do {
        request = try ControlCoding.value(ControlRequest.self, from: line.prefix { $0 != UInt8(ascii: "\n") })
      } catch {
        return try await send(
          .failure(
            ControlFailure(
              message: "the request is not understood", remedy: "use mapctl of the same release as mapd")))
      }
      if let failure = request.failure { return try await send(.failure(failure)) }
      let command = ControlRequest.Command(rawValue: request.command)!
      // A group may read, if it is configured so.
      guard peer.uid == 0 || !command.isChange else {
        if telling.isOver() {
          log.warning("change refused", metadata: ["command": "\(request.command)", "uid": "\(peer.uid)"])
        }
        return try await send(
          .failure(ControlFailure(message: "only root may change something", remedy: "run mapctl as root")))
      }
      // From here the client listens; how fast is its own affair.
      UnixServer.allowSilence(connection)
      switch command {
      case .status: try await send(.status(await reporter.status()))
      case .containers: try await send(.containers(await reporter.containers()))
      case .policies: try await send(.policies(await reporter.policies()))
      case .events where request.follow == true:
        let (past, stream) = await journal.follow(request.limit)
        try await send(all: past.map { .event($0) })
        try await Self.until(&parts, end: connection) { for await event in stream { try await send(.event(event)) } }
      case .trace:
        let container: ContainerRecord?
        do throws(ControlFailure) {
          container = try await operations.registry.bound(called: request.container)
        } catch { return try await send(.failure(error)) }
        let stream = await tracer.follow(container)
        try await Self.until(&parts, end: connection) { for await line in stream { try await send(.event(line)) } }
      case .violations where request.follow == true:
        let (past, stream) = await violations.follow(request.policy)
        try await send(all: past.reversed().map { .violation($0) })
        try await Self.until(&parts, end: connection) {
          for await record in stream where request.policy.map(record.isOf) ?? true {
            try await send(.violation(record))
          }
        }
      case .violations:
        let records = await violations.records(of: request.policy)
        try await send(
          all: records.prefix(request.limit ?? .max).reversed().map { .violation($0) } + [.end])
      case .events:
        try await send(all: await journal.latest(request.limit).map { .event($0) } + [.end])
      default:
        do throws(ControlFailure) {
          let response = try await operations.answer(request)
          try? await send(response)
        } catch {
          try await send(.failure(error))
        }
      }
    }
  }

  /// Tells a client until it is gone, or mapd ends: who follows must not hold up mapd's end.
  private static func until(
    _ parts: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, end connection: UnixServer.Connection,
    tell: @escaping @Sendable () async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(operation: tell)
      group.addTask {
        try await gracefulShutdown()
        connection.channel.close(promise: nil)
      }
      // The client has nothing more to say; the end of its side means that it is gone.
      while try await parts.next() != nil {}
      group.cancelAll()
    }
  }
}

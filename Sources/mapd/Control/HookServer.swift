// SPDX-License-Identifier: Apache-2.0
import Admission
import CLinux
import Logging
import NIOCore
import Shared

/// The hook's end: reads one request, asks the registry, answers.
public struct HookServer: Sendable {
  let registry: ContainerRegistry
  let statistics: HookStatistics
  let log: Logger

  public init(registry: ContainerRegistry, statistics: HookStatistics, log: Logger) {
    self.registry = registry
    self.statistics = statistics
    self.log = log
  }

  public func serve(_ connection: UnixServer.Connection, _ peer: hf_peer) async throws {
    try await connection.executeThenClose { inbound, outbound in
      // The socket is root's alone; this holds should its mode ever be changed.
      guard peer.uid == 0 else {
        statistics.foreign()
        log.warning("hook request refused", metadata: ["uid": "\(peer.uid)", "pid": "\(peer.pid)"])
        return
      }
      var frame: [UInt8] = []
      do {
        for try await part in inbound {
          frame += part.readableBytesView
          if try Frame.bytesMissing(in: frame, kind: .request) == 0 { break }
        }
        let request = try HookRequest(decoding: frame)
        let begin = ContinuousClock.now
        // From here on it is mapd that takes its time, the hook has its own limit.
        UnixServer.allowSilence(connection)
        let answer = await registry.answer(request, caller: peer.pid)
        try await outbound.write(ByteBuffer(bytes: answer.encode()))
        statistics.answered(request.phase, answer.outcome, ContinuousClock.now - begin)
      } catch let error as WireError {
        statistics.notUnderstood()
        log.warning("hook request not understood", metadata: ["pid": "\(peer.pid)", "reason": "\(error.text)"])
        let answer = HookAnswer(.failed, reason: Array("request not understood: \(error.text)".utf8))
        try await outbound.write(ByteBuffer(bytes: answer.encode()))
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import CPosix

/// Why mapd gave no decision; the fail policy decides.
enum MapdFailure: Error {
  case unreachable(Int32)
  case timedOut
  /// The connection broke; 0 when mapd closed it before the answer was complete.
  case broken(Int32)
  case nonsense(WireError)
  /// An outcome that does not answer the phase asked about.
  case beside(HookAnswer.Outcome)
  case failed([UInt8])
}

/// One question on one connection.
struct MapdClient {
  let path: [UInt8]
  let deadline: Deadline

  /// The socket is left to the process's end: there is nothing to do after the answer.
  func ask(_ request: HookRequest) throws(MapdFailure) -> HookAnswer {
    let frame: [UInt8]
    do { frame = try request.encode() } catch { throw .nonsense(error) }
    let socket = try connected()
    try send(frame, to: socket)
    let answer: HookAnswer
    let received = try receiveFrame(from: socket)
    do { answer = try HookAnswer(decoding: received) } catch { throw .nonsense(error) }
    guard answer.outcome.answers(request.phase) else { throw .beside(answer.outcome) }
    guard answer.outcome != .failed else { throw .failed(answer.reason) }
    return answer
  }

  /// A blocking connect with a send timeout, which on Unix sockets also bounds the wait
  /// for room in the backlog: while mapd restarts, mapd.socket holds the connection.
  private func connected() throws(MapdFailure) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .unreachable(posix_errno()) }
    while true {
      let left = deadline.remaining
      guard left > 0 else { throw .timedOut }
      var limit = timeval(tv_sec: Int(left) / 1000, tv_usec: Int(left) % 1000 * 1000)
      setsockopt(
        descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit,
        socklen_t(MemoryLayout<timeval>.size))
      let result = withUnixAddress(path) { connect(descriptor, $0, $1) }
      if result == 0 { return descriptor }
      let error = posix_errno()
      guard error == EINTR || error == EAGAIN else { throw .unreachable(error) }
    }
  }

  private func send(_ frame: [UInt8], to descriptor: Int32) throws(MapdFailure) {
    var sent = 0
    while sent < frame.count {
      var error: Int32 = 0
      let count = frame.withUnsafeBytes { bytes in
        let count = CPosix.send(
          descriptor, bytes.baseAddress! + sent, frame.count - sent,
          Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        if count < 0 { error = posix_errno() }
        return count
      }
      if count > 0 {
        sent += count
      } else if error == EAGAIN {
        guard deadline.wait(for: descriptor, POLLOUT) else { throw .timedOut }
      } else if error != EINTR {
        throw .broken(error)
      }
    }
  }

  /// Asks for more than the frame needs: one call reads it whole, and bytes beyond it
  /// are seen as what they are.
  private func receiveFrame(from descriptor: Int32) throws(MapdFailure) -> [UInt8] {
    var received: [UInt8] = []
    while true {
      let missing: Int
      do { missing = try Frame.bytesMissing(in: received, kind: .answer) } catch {
        throw .nonsense(error)
      }
      guard missing > 0 else { return received }
      guard deadline.wait(for: descriptor, POLLIN) else { throw .timedOut }
      let used = received.count
      let room = missing + 1024
      var error: Int32 = 0
      received.append(contentsOf: repeatElement(0, count: room))
      let count = received.withUnsafeMutableBytes { bytes in
        let count = recv(
          descriptor, bytes.baseAddress! + used, room, Int32(MSG_DONTWAIT))
        if count < 0 { error = posix_errno() }
        return count
      }
      received.removeLast(room - max(count, 0))
      if count == 0 || (count < 0 && error != EINTR && error != EAGAIN) {
        throw .broken(error)
      }
    }
  }
}

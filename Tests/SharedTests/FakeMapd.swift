// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Shared

/// A hook socket that behaves as told, once per connection, until it is stopped.
final class FakeMapd {
  enum Behaviour {
    case answer(HookAnswer)
    case raw([UInt8])
    /// Reads the request and answers one byte at each interval.
    case drip([UInt8], everyMilliseconds: UInt32)
    /// Accepts and says nothing.
    case hang
    case closeAtOnce
    /// Accepts only after a while: mapd restarts while mapd.socket listens.
    case late(HookAnswer, afterMilliseconds: UInt32)
    /// Listens, never accepts, and its backlog is full.
    case neverAccept
  }

  let path: String
  private let listener: Int32
  private var fillers: [Int32] = []
  private let received = Received()

  var requests: [HookRequest] { received.all }

  /// Shared with the serving thread, which must not keep the fake itself alive.
  private final class Received: @unchecked Sendable {
    private let lock = NSLock()
    private var requests: [HookRequest] = []
    var all: [HookRequest] { lock.withLock { requests } }
    func add(_ request: HookRequest) { lock.withLock { requests.append(request) } }
  }

  init(_ behaviour: Behaviour) {
    path = Self.freshPath()
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    precondition(Self.call(bind, listener, path) == 0 && listen(listener, 0) == 0)
    if case .neverAccept = behaviour {
      fillBacklog()
      return
    }
    Thread.detachNewThread { [listener, received] in
      while true {
        if case .late(_, let delay) = behaviour { usleep(delay * 1000) }
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        Self.serve(connection, behaviour, received)
      }
    }
  }

  /// Tests end with this: it also keeps the fake alive until then.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    unlink(path)
  }

  static func freshPath() -> String { "/tmp/hf-hook-\(getpid())-\(UInt32.random(in: 0 ... .max))" }

  private static func serve(
    _ connection: Int32, _ behaviour: Behaviour, _ received: Received
  ) {
    switch behaviour {
    case .hang: return  // held open by the process until it ends
    case .closeAtOnce: break
    case .answer(let answer), .late(let answer, _):
      readRequest(connection, received)
      write(connection, answer.encode())
    case .raw(let bytes):
      readRequest(connection, received)
      write(connection, bytes)
    case .drip(let bytes, let interval):
      readRequest(connection, received)
      for byte in bytes {
        usleep(interval * 1000)
        guard write(connection, [byte]) else { break }
      }
    case .neverAccept: break
    }
    close(connection)
  }

  private static func readRequest(_ connection: Int32, _ received: Received) {
    var frame: [UInt8] = []
    while let missing = try? Frame.bytesMissing(in: frame, kind: .request), missing > 0 {
      var chunk = [UInt8](repeating: 0, count: missing)
      let count = read(connection, &chunk, missing)
      guard count > 0 else { return }
      frame += chunk[..<count]
    }
    if let request = try? HookRequest(decoding: frame) {
      received.add(request)
    }
  }

  @discardableResult
  private static func write(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  private func fillBacklog() {
    while true {
      let client = socket(
        AF_UNIX,
        Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
      fillers.append(client)
      guard Self.call(connect, client, path) == 0 else { return }
    }
  }

  fileprivate static func call(
    _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ descriptor: Int32,
    _ path: String
  ) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// A system log that keeps what it is sent until it is asked, and never blocks.
final class FakeSystemLog {
  let path = FakeMapd.freshPath()
  private let descriptor: Int32

  init() {
    descriptor = socket(
      AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    precondition(FakeMapd.call(bind, descriptor, path) == 0)
  }

  func stop() {
    close(descriptor)
    unlink(path)
  }

  /// The oldest line not asked for yet.
  func received() -> String? {
    var line = [UInt8](repeating: 0, count: 8192)
    let count = read(descriptor, &line, line.count)
    return count > 0 ? String(decoding: line[..<count], as: UTF8.self) : nil
  }
}

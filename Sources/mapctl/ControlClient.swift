// SPDX-License-Identifier: Apache-2.0
import ControlMessages

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The client end of the control socket: one request, then lines of answer.
struct ControlClient {
  let path: String
  /// For everything but following: mapd answers from memory, so more means that it hangs.
  var patience = 10
  /// A longer line is no answer of mapd: 16,384 bindings of 1 kB are 16 MB.
  static let maxLineBytes = 64 << 20

  /// One request with one line of answer.
  func ask(_ request: ControlRequest) throws -> ControlResponse {
    let connection = try connect(request)
    guard let line = try connection.line() else { throw cutOff("before it answered") }
    return try decode(line)
  }

  /// The events of the past, then, if asked for, those to come until mapd closes.
  func stream(_ request: ControlRequest, _ body: (ViolationEvent) throws -> Void) throws {
    try stream(request, "events") { response in
      guard let event = response.event else { throw Self.strange("no event") }
      try body(event)
    }
  }

  /// The violations on record, then, if asked for, each that changes until mapd closes.
  func stream(_ request: ControlRequest, violation body: (ViolationRecord) throws -> Void) throws {
    try stream(request, "violations") { response in
      guard let record = response.violation else { throw Self.strange("no violation") }
      try body(record)
    }
  }

  private func stream(_ request: ControlRequest, _ what: String, _ body: (ControlResponse) throws -> Void) throws {
    let connection = try connect(request)
    if request.follow == true { connection.waitForever() }
    while let line = try connection.line() {
      let response = try decode(line)
      if response.end == true { return }
      try body(response)
    }
    throw cutOff("in the middle of the \(what)")
  }

  static func strange(_ what: String) -> Failure {
    Failure(.refused, "mapd's answer holds \(what); install mapctl and mapd of the same release")
  }

  private func cutOff(_ when: String) -> Failure {
    Failure(
      .unreachable,
      "mapd at \(shown) closed the connection \(when); look at its log, e.g. journalctl -u mapd")
  }

  private var shown: String { printable(path) }

  private func decode(_ line: [UInt8]) throws -> ControlResponse {
    let response: ControlResponse
    do {
      response = try ControlCoding.value(ControlResponse.self, from: line)
    } catch {
      throw Self.strange("a line that is not understood")
    }
    guard response.ok else {
      let error = response.error ?? ControlFailure(message: "no reason was given")
      let remedy = error.remedy.map { "; \(printable($0))" } ?? ""
      throw Failure(.refused, "mapd at \(shown) refused: \(printable(error.message))\(remedy)")
    }
    return response
  }

  private func connect(_ request: ControlRequest) throws -> Connection {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard !bytes.isEmpty, bytes.count < room, !bytes.contains(0) else {
      throw Failure(
        .usage, "the socket path \(shown) has \(bytes.count) bytes; use 1 to \(room - 1)")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }

    let connection = try Connection(failure: failure)
    connection.limit(seconds: patience)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connectSocket(connection.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw failure(errno) }
    try connection.write(ControlCoding.line(request))
    return connection
  }

  /// Why mapd cannot be reached, and what helps.
  private func failure(_ number: Int32) -> Failure {
    let remedy =
      switch number {
      case ENOENT: "start mapd (systemctl start mapd), or name its socket with --socket"
      case ECONNREFUSED: "nobody listens there; start mapd (systemctl start mapd)"
      case EACCES, EPERM: "run mapctl as root"
      case EAGAIN, ETIMEDOUT, EINPROGRESS:
        "mapd did not answer within \(patience) seconds; look at its log, e.g. journalctl -u mapd"
      default: "look at mapd's log, e.g. journalctl -u mapd"
      }
    return Failure(
      .unreachable, "cannot reach mapd at \(shown): \(String(cString: strerror(number))); \(remedy)"
    )
  }
}

/// Owner of one connected socket. Blocking; the timeouts are the socket's.
private final class Connection {
  let descriptor: Int32
  private let failure: (Int32) -> Failure
  private var buffer: [UInt8] = []
  private var searched = 0

  init(failure: @escaping (Int32) -> Failure) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    self.failure = failure
    if descriptor < 0 { throw failure(errno) }
  }

  deinit { close(descriptor) }

  func limit(seconds: Int) {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
  }

  func waitForever() { limit(seconds: 0) }

  func write(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      // mapd may refuse a client without reading its request: its answer is there to read then.
      if count < 0 && errno == EPIPE { return }
      guard count > 0 else { throw failure(errno) }
      sent += count
    }
  }

  /// The next line without its line feed; nil at the end. Half a line at the end is none.
  func line() throws -> [UInt8]? {
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer {
          buffer.removeSubrange(...end)
          searched = 0
        }
        return Array(buffer[..<end])
      }
      searched = buffer.count
      guard buffer.count <= ControlClient.maxLineBytes else {
        throw ControlClient.strange("a line of more than \(ControlClient.maxLineBytes) bytes")
      }
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0 && errno == EINTR { continue }
      // The peer closed with our request unread: as good as an end.
      if count == 0 || count < 0 && errno == ECONNRESET { return nil }
      guard count > 0 else { throw failure(errno) }
      buffer += chunk[..<count]
    }
  }
}

/// Outside the type, where `connect` is the C function.
private func connectSocket(
  _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t
) -> Int32 {
  connect(descriptor, address, size)
}

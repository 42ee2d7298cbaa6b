// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// Reads the ring buffer on a thread of its own, because libbpf waits in epoll.
public final class EventReader: @unchecked Sendable {
  private let buffer: OpaquePointer
  private let handler: Handler

  final class Handler: Sendable {
    let receive: @Sendable (UnsafeRawBufferPointer) -> Void
    init(_ receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) { self.receive = receive }
  }

  init(
    descriptor: Int32, receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) throws(EnforcementError) {
    handler = Handler(receive)
    guard
      let buffer = ring_buffer__new(
        descriptor, receiveRecord, Unmanaged.passUnretained(handler).toOpaque(), nil)
    else { throw EnforcementError.current("open the events ring buffer") }
    self.buffer = buffer
  }

  deinit { ring_buffer__free(buffer) }

  /// Hands over what is there, waiting up to `milliseconds` for the first record.
  /// - Returns: false when it was interrupted.
  public func poll(milliseconds: Int32) -> Bool { ring_buffer__poll(buffer, milliseconds) >= 0 }
}

private func receiveRecord(
  _ context: UnsafeMutableRawPointer?, _ data: UnsafeMutableRawPointer?, _ size: Int
) -> Int32 {
  guard let context, let data else { return 0 }
  Unmanaged<EventReader.Handler>.fromOpaque(context).takeUnretainedValue()
    .receive(UnsafeRawBufferPointer(start: data, count: size))
  return 0
}

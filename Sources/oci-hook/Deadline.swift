// SPDX-License-Identifier: Apache-2.0

import CPosix

/// The moment by which the hook must have ended, on the monotonic clock.
struct Deadline {
  private let nanoseconds: Int64

  init(afterMilliseconds milliseconds: Int32) {
    nanoseconds = Self.now() + Int64(milliseconds) * 1_000_000
  }

  /// Milliseconds left, rounded up so that a wait never ends before the deadline; 0 once past.
  var remaining: Int32 {
    let left = nanoseconds - Self.now()
    return left > 0 ? Int32((left + 999_999) / 1_000_000) : 0
  }

  /// Waits until `descriptor` is ready for `events` or has failed; false at the deadline.
  func wait(for descriptor: Int32, _ events: Int32) -> Bool {
    while true {
      let left = remaining
      guard left > 0 else { return false }
      var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      let ready = poll(&entry, 1, left)
      if ready > 0 { return true }
      // EINTR, ENOMEM and time up all go round: the deadline ends it.
    }
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

// SPDX-License-Identifier: Apache-2.0

import CPosix

/// Why the state could not be read; the hook exits 1 (deny).
enum InputError: Error {
  /// The runtime neither finished the state nor closed the pipe in time.
  case timedOut
  case unreadable(Int32)
}

/// Reads all of standard input. Of a state that is too large it reads one byte more than
/// allowed, which the parser then refuses.
func readState(until deadline: Deadline) throws(InputError) -> [UInt8] {
  var state: [UInt8] = []
  // A page holds the states of all recorded runtimes; doubling does the rest.
  var chunk = 4096
  while state.count <= StateLimits.bytesMax {
    guard deadline.wait(for: 0, POLLIN) else { throw .timedOut }
    let used = state.count
    let room = min(chunk, StateLimits.bytesMax + 1 - used)
    var failure: Int32 = 0
    state.append(contentsOf: repeatElement(0, count: room))
    let count = state.withUnsafeMutableBytes { buffer in
      let count = read(0, buffer.baseAddress! + used, room)
      if count < 0 { failure = posix_errno() }
      return count
    }
    state.removeLast(room - max(count, 0))
    if count < 0 {
      guard failure == EINTR || failure == EAGAIN else { throw .unreadable(failure) }
      continue
    }
    if count == 0 { return state }
    if count == room { chunk *= 2 }
  }
  return state
}

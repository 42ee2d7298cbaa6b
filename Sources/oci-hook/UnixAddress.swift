// SPDX-License-Identifier: Apache-2.0

import CPosix

/// sun_path of sockaddr_un, with its NUL: a longer path is refused with the arguments.
let unixPathBytesMax = 108

/// Calls `body` with the socket address of `path`, which is shorter than `unixPathBytesMax`.
func withUnixAddress<Result>(
  _ path: [UInt8], _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
  let size = socklen_t(MemoryLayout<sockaddr_un>.size)
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
  }
}

// SPDX-License-Identifier: Apache-2.0

import CPosix

/// Larger is refused: it holds a few names.
private let configurationBytesMax = 65536

/// The text of the configuration file. nil: the standard one is not there, which means the
/// defaults; one that was named must be there.
///
/// A file that cannot be used is exit 1 (deny), as an unknown option is: what it wanted to
/// be closed must not be open because of a missing comma.
func configurationText(_ named: [UInt8]?) throws(UsageError) -> [UInt8]? {
  let path = named ?? Options.standardConfiguration
  let descriptor = withPath(path) { posix_open($0, O_RDONLY | O_NONBLOCK, 0) }
  guard descriptor >= 0 else {
    if named == nil, posix_errno() == ENOENT { return nil }
    throw UsageError(text: "cannot open the configuration ", argument: path)
  }
  defer { close(descriptor) }
  var text = [UInt8](repeating: 0, count: 4096)
  var used = 0
  while true {
    let count = text.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + used, $0.count - used) }
    guard count >= 0 else {
      if posix_errno() == EINTR { continue }
      throw UsageError(text: "cannot read the configuration ", argument: path)
    }
    used += count
    guard used <= configurationBytesMax else {
      throw UsageError(text: "larger than 64 KiB: the configuration ", argument: path)
    }
    if count == 0 {
      text.removeLast(text.count - used)
      return text
    }
    if used == text.count { text.append(contentsOf: repeatElement(0, count: text.count)) }
  }
}

/// Calls `body` with the path as C takes it.
func withPath<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
  let terminated = path + [0]
  return terminated.withUnsafeBufferPointer {
    $0.baseAddress!.withMemoryRebound(to: CChar.self, capacity: terminated.count, body)
  }
}

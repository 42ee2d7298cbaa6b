// SPDX-License-Identifier: Apache-2.0

import CPosix

/// When a process started, field 22 of /proc/<pid>/stat: with its number it names one
/// process for mapd, which looks later. 0 when it cannot be read; mapd finds out why.
func startTicks(of pid: Int32) -> UInt64 {
  var path = Line(bare: "/proc/")
  path.add(decimal: Int(pid))
  path.add("/stat")
  let descriptor = withPath(path.text) { posix_open($0, O_RDONLY, 0) }
  guard descriptor >= 0 else { return 0 }
  defer { close(descriptor) }
  // Longer than any such line can be.
  var text = [UInt8](repeating: 0, count: 2048)
  let count = text.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
  guard count > 0 else { return 0 }
  return startTicks(inStat: text[..<count])
}

/// The name in parentheses may itself hold spaces and parentheses.
private func startTicks(inStat text: ArraySlice<UInt8>) -> UInt64 {
  guard let name = text.lastIndex(of: UInt8(ascii: ")")) else { return 0 }
  var field = 2
  var value: UInt64 = 0
  for byte in text[(name + 1)...] {
    if byte == UInt8(ascii: " ") {
      if field == 22 { return value }
      field += 1
    } else if field == 22 {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return 0 }
      value = value &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
    }
  }
  return 0
}

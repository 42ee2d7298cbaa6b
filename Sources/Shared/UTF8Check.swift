// SPDX-License-Identifier: Apache-2.0

/// Whether `bytes` are well-formed UTF-8. By hand, because String brings 170 kB of
/// Unicode tables into the hook.
public func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
  var index = bytes.startIndex
  while index < bytes.endIndex {
    let lead = bytes[index]
    index += 1
    if lead < 0x80 { continue }
    let count: Int
    var low: UInt8 = 0x80
    var high: UInt8 = 0xbf
    switch lead {
    case 0xc2...0xdf: count = 1
    case 0xe0...0xef:
      count = 2
      if lead == 0xe0 { low = 0xa0 }  // overlong
      if lead == 0xed { high = 0x9f }  // surrogates
    case 0xf0...0xf4:
      count = 3
      if lead == 0xf0 { low = 0x90 }  // overlong
      if lead == 0xf4 { high = 0x8f }  // beyond U+10FFFF
    default: return false
    }
    guard bytes.endIndex - index >= count, bytes[index] >= low, bytes[index] <= high else {
      return false
    }
    for offset in 1..<count where bytes[index + offset] & 0xc0 != 0x80 { return false }
    index += count
  }
  return true
}

/// The longest prefix of well-formed `bytes` that has at most `limit` bytes and no cut character.
func cutUTF8(_ bytes: [UInt8], _ limit: Int) -> [UInt8] {
  guard bytes.count > limit else { return bytes }
  var end = limit
  while end > 0, bytes[end] & 0xc0 == 0x80 { end -= 1 }
  return Array(bytes[..<end])
}

// SPDX-License-Identifier: Apache-2.0

/// The secret of the path PRF: 32 bytes from getrandom, kept in the root-only map `config`.
/// Each lane has a key of its own.
public struct PathSecret: Sendable {
  var lane0: (UInt64, UInt64)
  var lane1: (UInt64, UInt64)

  public init(_ key00: UInt64, _ key01: UInt64, _ key10: UInt64, _ key11: UInt64) {
    lane0 = (key00, key01)
    lane1 = (key10, key11)
  }

  /// Thirty-two bytes, four little-endian words; nil for any other length.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.init(
      littleEndianWord(bytes[...], at: 0, count: 8), littleEndianWord(bytes[...], at: 8, count: 8),
      littleEndianWord(bytes[...], at: 16, count: 8),
      littleEndianWord(bytes[...], at: 24, count: 8))
  }
}

/// Why a path has no key. The caller refuses the rule or the path (deny).
public enum PathKeyError: Error, Equatable, Sendable {
  case notAbsolute
  case containsNul
  /// `.` or `..`: the key is of names as the kernel walks them, not of instructions.
  case dotComponent
  /// A component of more than ``PathKey/componentBytesMax`` bytes.
  case componentTooLong
  /// More than ``PathKey/componentsMax`` components.
  case tooDeep
}

/// 128 bits that stand for a path in the rules map. See docs/path-key.md.
///
/// The key is the sum, per lane, of a PRF of each component and its position:
/// the gate meets a path leaf first and adds in any order. The key of a
/// directory is the partial sum of its components, so one walk yields the keys
/// of all its parents.
public struct PathKey: Equatable, Hashable, Sendable {
  /// NAME_MAX of the kernel.
  public static let componentBytesMax = 255
  /// HF_PATH_COMPONENTS_MAX of bpf/contract.h.
  public static let componentsMax = 64

  /// The key of `/`.
  public static let root = PathKey(lane0: 0, lane1: 0)

  public var lane0: UInt64
  public var lane1: UInt64

  public init(lane0: UInt64, lane1: UInt64) {
    self.lane0 = lane0
    self.lane1 = lane1
  }

  /// The key of an absolute path. Repeated and trailing slashes count for nothing,
  /// so `/usr/lib/` has the key of the directory `/usr/lib`.
  public init(secret: PathSecret, path: [UInt8]) throws(PathKeyError) {
    self = .root
    _ = try PathKey.eachPrefix(of: path, secret: secret) { key, _ in self = key }
  }

  /// Calls `body` with the key of each prefix of `path`, shortest first (`/usr`,
  /// `/usr/bin`, ...), and its number of components. Returns the number of components.
  @discardableResult
  public static func eachPrefix(
    of path: [UInt8], secret: PathSecret, _ body: (PathKey, Int) -> Void
  ) throws(PathKeyError) -> Int {
    guard path.first == slash else { throw .notAbsolute }
    var key = PathKey.root
    var position = 0
    var start = 0
    while start < path.count {
      if path[start] == slash {
        start += 1
        continue
      }
      var end = start
      while end < path.count, path[end] != slash {
        guard path[end] != 0 else { throw .containsNul }
        end += 1
      }
      guard end - start <= componentBytesMax else { throw .componentTooLong }
      guard !isDots(path, start, end) else { throw .dotComponent }
      position += 1
      guard position <= componentsMax else { throw .tooDeep }
      key.add(component: path[start..<end], position: position, secret: secret)
      body(key, position)
      start = end
    }
    return position
  }

  /// Adds one component at its position, counted from 1 at the root. The caller has
  /// checked both against the limits above.
  public mutating func add(component: ArraySlice<UInt8>, position: Int, secret: PathSecret) {
    lane0 &+= Self.value(component, position, secret.lane0)
    lane1 &+= Self.value(component, position, secret.lane1)
  }

  /// One lane's PRF of a component at its position.
  private static func value(
    _ component: ArraySlice<UInt8>, _ position: Int, _ key: (UInt64, UInt64)
  ) -> UInt64 {
    var hash = SipHash(key0: key.0, key1: key.1)
    var index = component.startIndex
    while index < component.endIndex {
      let count = min(8, component.endIndex - index)
      hash.absorb(littleEndianWord(component, at: index, count: count))
      index += count
    }
    // The message's last seven bytes, and on top SipHash's own length byte: of 8k+7.
    let words = (component.count + 7) / 8
    hash.absorb(
      UInt64(UInt32(truncatingIfNeeded: position))
        | UInt64(UInt8(truncatingIfNeeded: component.count)) << 32
        | UInt64(UInt8(truncatingIfNeeded: 8 * words + 7)) << 56)
    return hash.finish()
  }
}

private let slash = UInt8(ascii: "/")

private func isDots(_ path: [UInt8], _ start: Int, _ end: Int) -> Bool {
  let dot = UInt8(ascii: ".")
  return path[start] == dot && (end - start == 1 || (end - start == 2 && path[start + 1] == dot))
}

/// Up to eight bytes as a little-endian word, zero-padded.
func littleEndianWord(_ bytes: ArraySlice<UInt8>, at index: Int, count: Int) -> UInt64 {
  var word: UInt64 = 0
  for offset in 0..<count {
    word |= UInt64(bytes[index + offset]) &<< (8 &* UInt64(offset))
  }
  return word
}

// SPDX-License-Identifier: Apache-2.0
import Contract
import Shared

public enum Mode: UInt8, Sendable, Hashable {
  case off, learn, monitor, protect
}

/// What one rule set says. Equal contents share one rule set in the maps.
public struct RuleSet: Hashable, Sendable {
  public struct Flags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let nestedNamespaces = Flags(rawValue: 1 << 48)
    public static let laterMounts = Flags(rawValue: 1 << 49)
    public static let anonymousFiles = Flags(rawValue: 1 << 50)
    public static let writableLayer = Flags(rawValue: 1 << 51)
  }

  public struct Use: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// May be executed.
    public static let executable = Use(rawValue: UInt64(HF_RULE_EXECUTABLE))
    /// May run as the interpreter of a listed script.
    public static let interpreter = Use(rawValue: UInt64(HF_RULE_INTERPRETER))
    /// A directory: all below it may be executed.
    public static let directory = Use(rawValue: UInt64(HF_RULE_DIRECTORY))
  }

  public var mode: Mode
  public var allow: Flags
  /// By the bytes of the absolute path in the container, no trailing `/`. Not by String: two
  /// spellings of one character are equal strings and different files.
  public private(set) var rules: [[UInt8]: Use]

  public init(mode: Mode, allow: Flags = [], rules: [[UInt8]: Use] = [:]) {
    self.mode = mode
    self.allow = allow
    self.rules = rules
  }

  public init(mode: Mode, allow: Flags = [], rules: [String: Use]) {
    self.init(mode: mode, allow: allow)
    for (path, use) in rules { add(path, use) }
  }

  public mutating func add(_ path: String, _ use: Use) {
    rules[Array(path.utf8), default: []].formUnion(use)
  }

  public subscript(path: String) -> Use? { rules[Array(path.utf8)] }

  /// Rules as the map holds them, by path key.
  func entries(_ secret: PathSecret) throws(EnforcementError) -> [PathKey: UInt64] {
    var entries: [PathKey: UInt64] = [:]
    var depths: UInt64 = 0
    for (path, use) in rules {
      let key: PathKey
      var depth = 0
      do {
        var last = PathKey.root
        depth = try PathKey.eachPrefix(of: path, secret: secret) { prefix, _ in last = prefix }
        key = last
      } catch {
        throw EnforcementError(
          "the path \(String(decoding: path, as: UTF8.self)) has no key (\(error))", kind: .unsupported)
      }
      guard depth > 0 else {
        throw EnforcementError("a rule for / would allow every file", kind: .unsupported)
      }
      if use.contains(.directory) {
        guard depth < 64 else {
          throw EnforcementError(
            "directory rule \(String(decoding: path, as: UTF8.self)) is deeper than 63 components", kind: .unsupported)
        }
        depths |= 1 << UInt64(depth)
      }
      entries[key, default: 0] |= use.rawValue
    }
    if depths != 0 { entries[.root] = depths }
    return entries
  }

  var hasDirectories: Bool { rules.values.contains { $0.contains(.directory) } }

  /// The word of map `rulesets` under a generation.
  func word(generation: UInt32) -> UInt64 {
    var word = UInt64(generation) | UInt64(mode.rawValue) << UInt64(HF_RULE_SET_MODE_SHIFT)
    word |= 1 << 40  // HF_RULE_SET_VALID
    if hasDirectories { word |= 1 << 41 }  // HF_RULE_SET_HAS_DIRECTORIES
    return word | allow.rawValue
  }
}

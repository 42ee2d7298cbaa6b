// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc
import Shared

// Of a rule set's word; see contract.h, whose macros of this kind Swift does not import.
private let valid: UInt64 = 1 << 40  // HF_RULE_SET_VALID
private let hasDirectories: UInt64 = 1 << 41  // HF_RULE_SET_HAS_DIRECTORIES
private let relaxations: UInt64 = 0xf << 48  // HF_ALLOW_...

/// What the kernel's maps say of one container and one path, read as the gate reads them.
public struct MapReading: Sendable, Equatable {
  public var binding: UInt32
  public var isSealed: Bool
  public var ruleSet: UInt32
  /// The rule set's word: false when the gate would find none.
  public var isValid: Bool
  public var generation: UInt32
  public var mode: Mode
  public var allow: RuleSet.Flags
  /// What the rule for the path itself allows; empty: there is none.
  public var use: RuleSet.Use
  /// The nearest listed directory above it.
  public var directory: [UInt8]?
}

extension Gate {
  /// nil: the cgroup is not bound.
  /// - Throws: `PathKeyError` for a path that has no key: the gate refuses it too.
  public func read(_ cgroup: CgroupKey, path: [UInt8]) throws -> MapReading? {
    guard let binding = bindings.bindings[cgroup.contract] else { return nil }
    let ruleSet = bindings.ruleSet(of: binding.id)
    let word = ruleSets.word(of: ruleSet)
    var reading = MapReading(
      binding: binding.id, isSealed: binding.flags & HF_BINDING_SEALED != 0, ruleSet: ruleSet,
      isValid: word & valid != 0, generation: UInt32(truncatingIfNeeded: word),
      mode: Mode(rawValue: UInt8(truncatingIfNeeded: word >> UInt64(HF_RULE_SET_MODE_SHIFT))) ?? .protect,
      allow: RuleSet.Flags(rawValue: word & relaxations), use: [], directory: nil)
    let depths = word & hasDirectories == 0 ? 0 : ruleSets.rule(ruleSet, reading.generation, .root) ?? 0
    var keys: [PathKey] = []
    _ = try PathKey.eachPrefix(of: path, secret: ruleSets.secret) { key, _ in keys.append(key) }
    for (index, key) in keys.enumerated() {
      let depth = index + 1
      let isListedDepth = depth < 64 && depths & (1 << UInt64(depth)) != 0
      guard depth == keys.count || isListedDepth else { continue }
      let use = RuleSet.Use(rawValue: ruleSets.rule(ruleSet, reading.generation, key) ?? 0)
      if depth == keys.count { reading.use = use }
      if depth < keys.count, isListedDepth, use.contains(.directory) {
        let parts = path.split(separator: UInt8(ascii: "/")).prefix(depth)
        reading.directory = parts.flatMap { [UInt8(ascii: "/")] + $0 }
      }
    }
    return reading
  }
}

extension RuleSetTable {
  func word(of id: UInt32) -> UInt64 {
    Int(id) < words.count ? hf_load_u64(words.base + Int(id)) : 0
  }

  func rule(_ id: UInt32, _ generation: UInt32, _ path: PathKey) -> UInt64? {
    rules[hf_rule_key(rule_set: id, generation: generation, path: (path.lane0, path.lane1))]
  }

  /// How a rule set in the kernel differs from what it should say; empty: not at all.
  /// - Parameter keys: all keys of map `rules` by rule set, see `allRules()`.
  public func differences(_ id: UInt32, from content: RuleSet, in all: RuleDump) -> [String] {
    let word = word(of: id)
    guard word & valid != 0 else { return ["rule set \(id) is not valid in map rulesets"] }
    let generation = UInt32(truncatingIfNeeded: word)
    var found: [String] = []
    if word != content.word(generation: generation) {
      found.append(
        "rule set \(id): its word is \(String(word, radix: 16)), it should be "
          + "\(String(content.word(generation: generation), radix: 16)) (mode \(content.mode))")
    }
    guard let wanted = try? content.entries(secret) else { return found + ["rule set \(id) has a path without a key"] }
    let present = all.rules[id]?[generation] ?? [:]
    for (path, _) in content.rules.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      var key = PathKey.root
      _ = try? PathKey.eachPrefix(of: path, secret: secret) { prefix, _ in key = prefix }
      guard present[key] != wanted[key] else { continue }
      let shown = String(decoding: path, as: UTF8.self)
      found.append(
        present[key] == nil
          ? "rule set \(id): no rule for \(shown) in map rules"
          : "rule set \(id): the rule for \(shown) has uses \(present[key]!), it should have \(wanted[key]!)")
    }
    if present[.root] != wanted[.root] {
      found.append(
        "rule set \(id): the depths of its directory rules are \(present[.root] ?? 0), not \(wanted[.root] ?? 0)")
    }
    let extra = present.keys.count { wanted[$0] == nil && $0 != .root }
    if extra > 0 { found.append("rule set \(id): \(extra) rules in map rules that no policy lists") }
    return found
  }

  /// All of map `rules`, read once.
  public func allRules() -> RuleDump {
    var dump = RuleDump()
    for key in rules.keys() {
      guard let use = rules[key] else { continue }
      dump.rules[key.rule_set, default: [:]][key.generation, default: [:]][
        PathKey(lane0: key.path.0, lane1: key.path.1)] = use
      dump.count += 1
    }
    return dump
  }

  /// Rule sets that are valid in the kernel.
  public func validInKernel() -> [UInt32] {
    (1..<UInt32(words.count)).filter { hf_load_u64(words.base + Int($0)) & valid != 0 }
  }
}

/// Map `rules` at about one moment.
public struct RuleDump: Sendable {
  var rules: [UInt32: [UInt32: [PathKey: UInt64]]] = [:]
  public var count = 0

  /// Rules of a rule set under generations other than the one in force.
  public func others(_ id: UInt32, than generation: UInt32?) -> Int {
    (rules[id] ?? [:]).reduce(0) { $0 + ($1.key == generation ? 0 : $1.value.count) }
  }

  public var ruleSets: [UInt32] { rules.keys.sorted() }
}

extension BindingTable {
  /// All cgroups that the kernel holds a binding for.
  public func keysInKernel() -> [CgroupKey] { bindings.keys().map(CgroupKey.init) }

  /// What is wrong with a binding's entry in map `pidns`; nil: nothing.
  public func pidNamespaceProblem(_ cgroup: CgroupKey, initStartTicks: UInt64) -> String? {
    guard let binding = bindings[cgroup.contract], binding.flags & HF_BINDING_OWN_PID_NS != 0 else { return nil }
    guard let entry = pidNamespaces[binding.pid_ns] else {
      return "pid namespace \(binding.pid_ns) is not in map pidns"
    }
    guard CgroupKey(entry.binding) == cgroup else {
      return "pid namespace \(binding.pid_ns) leads to cgroup \(entry.binding.id) in map pidns"
    }
    guard entry.init_start_ticks == initStartTicks else {
      return "pid namespace \(binding.pid_ns) has another init in map pidns"
    }
    return nil
  }
}

// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Foundation
import Shared
import Testing

@testable import Enforcement

/// The maps of the contract, made in this kernel for one test and pinned nowhere. What a
/// table leaves in them is still there for the next table, as it is for the next mapd.
final class KernelMaps {
  static let secret = PathSecret(1, 2, 3, 4)
  private let rules, words, bindings, pidNamespaces, assignments, config, chains: Int32
  private let rulesMaximum, ruleSetsMaximum, bindingsMaximum: Int

  init(rules: Int = 64, ruleSets: Int = 8, bindings: Int = 16) throws {
    rulesMaximum = rules
    ruleSetsMaximum = ruleSets
    bindingsMaximum = bindings
    self.rules = try Self.hash("rules", hf_rule_key.self, UInt64.self, rules)
    words = try Self.array("rulesets", UInt64.self, ruleSets)
    self.bindings = try Self.hash("bindings", hf_cgroup_key.self, hf_binding.self, bindings)
    pidNamespaces = try Self.hash("pidns", UInt32.self, hf_pid_ns.self, bindings)
    assignments = try Self.array("assignments", UInt32.self, bindings)
    config = try Self.array("config", hf_config.self, 1)
    chains = try Self.hash("chains", UInt64.self, hf_chain.self, 16)
  }

  deinit { for map in [rules, words, bindings, pidNamespaces, assignments, config, chains] { close(map) } }

  var rulesMap: BPFMap<hf_rule_key, UInt64> {
    BPFMap(name: "rules", descriptor: dup(rules), maximum: rulesMaximum)
  }
  var bindingsMap: BPFMap<hf_cgroup_key, hf_binding> {
    BPFMap(name: "bindings", descriptor: dup(bindings), maximum: bindingsMaximum)
  }
  var pidNamespacesMap: BPFMap<UInt32, hf_pid_ns> {
    BPFMap(name: "pidns", descriptor: dup(pidNamespaces), maximum: bindingsMaximum)
  }
  var chainsMap: BPFMap<UInt64, hf_chain> { BPFMap(name: "chains", descriptor: dup(chains), maximum: 16) }

  /// As the gate does between a script and its interpreter.
  /// - Parameter ago: nanoseconds.
  func begin(exec task: UInt64, by word: UInt64, of ruleSet: UInt32, ago: UInt64 = 0) throws {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let time = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec) - ago
    try chainsMap.insert(hf_chain(bprm: 1, word: word, time_ns: time, rule_set: ruleSet, pad: 0), for: task)
  }

  /// As a mapd that starts finds it.
  func ruleSetTable() throws -> RuleSetTable {
    RuleSetTable(
      rules: rulesMap, words: try MappedArray(name: "rulesets", descriptor: dup(words), count: ruleSetsMaximum),
      chains: chainsMap, secret: Self.secret)
  }

  func bindingTable() throws -> BindingTable {
    BindingTable(
      bindings: bindingsMap, pidNamespaces: pidNamespacesMap,
      assignments: try MappedArray(name: "assignments", descriptor: dup(assignments), count: bindingsMaximum),
      config: try MappedArray(name: "config", descriptor: dup(config), count: 1))
  }

  /// What the gate would read.
  func word(_ id: UInt32) -> UInt64 { element(words, id, UInt64.self) }
  func assignment(_ id: UInt32) -> UInt32 { element(assignments, id, UInt32.self) }
  var levels: [Int] { BindingTable.unpack(element(config, 0, hf_config.self).levels) }

  func rule(_ ruleSet: UInt32, _ generation: UInt32, _ path: String) throws -> UInt64? {
    let key = try PathKey(secret: Self.secret, path: Array(path.utf8))
    return rulesMap[hf_rule_key(rule_set: ruleSet, generation: generation, path: (key.lane0, key.lane1))]
  }

  private func element<Value: BitwiseCopyable>(_ map: Int32, _ index: UInt32, _: Value.Type) -> Value {
    withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { value in
      var index = index
      precondition(bpf_map_lookup_elem(map, &index, value.baseAddress) == 0)
      return value[0]
    }
  }

  private static func hash<Key, Value>(_ name: String, _: Key.Type, _: Value.Type, _ count: Int) throws -> Int32 {
    try make(
      name, BPF_MAP_TYPE_HASH, MemoryLayout<Key>.size, MemoryLayout<Value>.size, count, flags: UInt32(1))
  }

  private static func array<Value>(_ name: String, _: Value.Type, _ count: Int) throws -> Int32 {
    try make(name, BPF_MAP_TYPE_ARRAY, 4, MemoryLayout<Value>.stride, count, flags: UInt32(1) << 10)
  }

  /// - Parameter flags: BPF_F_NO_PREALLOC for hashes, BPF_F_MMAPABLE for arrays, as in bpf/maps.h.
  private static func make(
    _ name: String, _ type: bpf_map_type, _ key: Int, _ value: Int, _ count: Int, flags: UInt32
  ) throws -> Int32 {
    var options = bpf_map_create_opts()
    options.sz = MemoryLayout<bpf_map_create_opts>.size
    options.map_flags = flags
    let map = bpf_map_create(type, name, UInt32(key), UInt32(value), UInt32(count), &options)
    guard map >= 0 else { throw EnforcementError("make map \(name)", code: map) }
    return map
  }
}

/// Can maps be made here? Tests that need them are skipped with this reason otherwise.
enum Kernel {
  static let refusal: String? = {
    guard geteuid() == 0 else { return "not root: BPF maps cannot be made" }
    do { _ = try KernelMaps() } catch { return "this kernel takes no BPF maps: \(error)" }
    return nil
  }()
}

extension Trait where Self == ConditionTrait {
  static var needsBPF: Self {
    .enabled(if: Kernel.refusal == nil, "\(Kernel.refusal ?? "")")
  }
}

/// What `body` is refused with.
func refusal(_ body: () throws -> Void) -> EnforcementError? {
  do { try body() } catch { return error as? EnforcementError }
  return nil
}

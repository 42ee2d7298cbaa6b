// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc
import Shared

/// The rule sets in the kernel: maps `rules` and `rulesets`.
///
/// A rule set changes by generation: the new rules are written beside the old ones and
/// read back, then one 8-byte store switches, then the old rules go. An exec sees one
/// generation or the other. Nothing is switched when any write failed.
public final class RuleSetTable: @unchecked Sendable {
  struct Entry {
    var generation: UInt32
    /// What was written under it; empty for a set found pinned whose rules were not listed.
    var keys: [PathKey]
    /// nil for a set found pinned: its words are known, its paths are not.
    var content: RuleSet?
  }

  /// How long an exec may take from its script to its interpreter, in nanoseconds, until the
  /// rules that it began with go; it is refused then.
  static let chainMax: UInt64 = 10_000_000_000

  let rules: BPFMap<hf_rule_key, UInt64>
  let words: MappedArray<UInt64>
  /// Execs between a script and its interpreter.
  private let chains: BPFMap<UInt64, hf_chain>
  let secret: PathSecret
  private(set) var entries: [UInt32: Entry] = [:]
  /// Rule sets by content; more than one where a mapd before has left them so.
  private var byContent: [RuleSet: Set<UInt32>] = [:]
  private var freeIDs: FreeNumbers
  private var stale: [hf_rule_key] = []
  /// Taken out, but an exec that is being judged may have read their numbers.
  private var ended: [UInt32: UInt32] = [:]

  init(
    rules: BPFMap<hf_rule_key, UInt64>, words: MappedArray<UInt64>, chains: BPFMap<UInt64, hf_chain>,
    secret: PathSecret
  ) {
    self.rules = rules
    self.words = words
    self.chains = chains
    self.secret = secret
    freeIDs = FreeNumbers(0..<0, without: [])
    adopt()
  }

  public var count: Int { entries.count }
  public var maximum: Int { words.count - 1 }
  public private(set) var rulesCount = 0
  /// Generations that were put in force since mapd's start, of all rule sets.
  public private(set) var generationsCount: UInt64 = 0
  public var rulesMaximum: Int { rules.maximum }

  public func generation(of id: UInt32) -> UInt32? { entries[id]?.generation }
  public func content(of id: UInt32) -> RuleSet? { entries[id]?.content }

  /// The rule set with this content, when it is in the maps already.
  public func find(_ content: RuleSet) -> UInt32? {
    byContent[content]?.min()
  }

  /// Puts a new rule set into the maps.
  public func add(_ content: RuleSet) throws(EnforcementError) -> UInt32 {
    guard let id = freeIDs.next else {
      throw EnforcementError("map rulesets is full (\(maximum) rule sets)", kind: .full)
    }
    // A number used before: above every generation it had.
    let generation = UInt32(truncatingIfNeeded: hf_load_u64(words.base + Int(id))) &+ 1
    // Taken before: to make room, writing may give others back.
    freeIDs.takeNext()
    let keys: [PathKey]
    do throws(EnforcementError) {
      keys = try write(content, id: id, generation: generation)
    } catch {
      freeIDs.giveBack(id)
      throw error
    }
    store(content.word(generation: generation), id)
    generationsCount += 1
    entries[id] = Entry(generation: generation, keys: keys, content: content)
    byContent[content, default: []].insert(id)
    return id
  }

  /// Changes what a rule set says, for all containers that have it, at one moment.
  public func replace(_ id: UInt32, with content: RuleSet) throws(EnforcementError) {
    guard let old = entries[id] else { throw EnforcementError("rule set \(id) is not in the maps") }
    if old.content == content { return }
    let generation = old.generation &+ 1
    let keys = try write(content, id: id, generation: generation)
    store(content.word(generation: generation), id)
    generationsCount += 1
    entries[id] = Entry(generation: generation, keys: keys, content: content)
    byContent[content, default: []].insert(id)
    retire(id, old)
  }

  /// Takes a rule set out. No binding may be assigned to it.
  public func remove(_ id: UInt32) {
    guard let old = entries.removeValue(forKey: id) else { return }
    ended[id] = old.generation
    retire(id, old)
  }

  /// Deletes the rules of generations that no exec can see any more. Waits for the execs
  /// that are being judged, some milliseconds; call it when a change is done, and now and
  /// then for what execs between script and interpreter have kept.
  /// - Parameter forRoom: does not keep anything for those: they are refused.
  public func collect(forRoom: Bool = false) {
    guard !stale.isEmpty || !ended.isEmpty else { return }
    // Without the wait an exec could miss a rule that is allowed in both generations.
    if hf_wait_for_programs() != 0 { usleep(100_000) }
    let needed = forRoom ? [] : generationsBegunWith()
    var kept: [hf_rule_key] = []
    for key in stale {
      if needed.contains(Generation(ruleSet: key.rule_set, number: key.generation)) {
        kept.append(key)
      } else if rules.remove(key) {
        rulesCount -= 1
      }
    }
    stale = kept
    // The generation stays in the word, so that the number can be used again.
    for (id, generation) in ended {
      store(UInt64(generation), id)
      freeIDs.giveBack(id)
    }
    ended = [:]
  }

  private struct Generation: Hashable {
    var ruleSet: UInt32
    var number: UInt32
  }

  /// Those that execs between a script and its interpreter are judged by.
  private func generationsBegunWith() -> Set<Generation> {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let nanoseconds = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    return Set(
      chains.keys().compactMap { task in
        guard let chain = chains[task], chain.time_ns + Self.chainMax > nanoseconds else { return nil }
        return Generation(ruleSet: chain.rule_set, number: UInt32(truncatingIfNeeded: chain.word))
      })
  }

  /// All rule sets in the maps.
  public var ids: [UInt32] { Array(entries.keys) }

  /// One 8-byte store: the switch.
  private func store(_ word: UInt64, _ id: UInt32) {
    FaultPoint.pass("rule set \(id) is switched")
    hf_store_u64(words.base + Int(id), word)
  }

  /// Room that rules of ended generations take is not a reason to refuse new ones.
  private func write(
    _ content: RuleSet, id: UInt32, generation: UInt32
  ) throws(EnforcementError) -> [PathKey] {
    do throws(EnforcementError) {
      return try writeOnce(content, id: id, generation: generation)
    } catch  where error.kind == .full && !stale.isEmpty {
      collect(forRoom: true)
      return try writeOnce(content, id: id, generation: generation)
    }
  }

  private func writeOnce(
    _ content: RuleSet, id: UInt32, generation: UInt32
  ) throws(EnforcementError) -> [PathKey] {
    let wanted = try content.entries(secret)
    var written: [hf_rule_key] = []
    do throws(EnforcementError) {
      for (path, use) in wanted {
        let key = hf_rule_key(rule_set: id, generation: generation, path: (path.lane0, path.lane1))
        try rules.insert(use, for: key)
        written.append(key)
        guard rules[key] == use else {
          throw EnforcementError("read back a rule of rule set \(id)")
        }
      }
    } catch {
      for key in written { rules.remove(key) }
      throw error
    }
    rulesCount += written.count
    return Array(wanted.keys)
  }

  private func retire(_ id: UInt32, _ entry: Entry) {
    if let content = entry.content {
      byContent[content]?.remove(id)
      if byContent[content]?.isEmpty == true { byContent[content] = nil }
    }
    stale += entry.keys.map {
      hf_rule_key(rule_set: id, generation: entry.generation, path: ($0.lane0, $0.lane1))
    }
  }

  /// Takes over what is pinned: valid words with their rules. Rules of no valid generation
  /// are the rest of a change that was cut off; they are deleted.
  private func adopt() {
    for id in 1..<UInt32(words.count) {
      let word = hf_load_u64(words.base + Int(id))
      guard word & (1 << 40) != 0 else { continue }
      entries[id] = Entry(generation: UInt32(truncatingIfNeeded: word), keys: [], content: nil)
    }
    // 0 is no rule set.
    freeIDs = FreeNumbers(1..<UInt32(words.count), without: entries.keys)
    for key in rules.keys() {
      if entries[key.rule_set]?.generation == key.generation {
        entries[key.rule_set]!.keys.append(PathKey(lane0: key.path.0, lane1: key.path.1))
        rulesCount += 1
      } else {
        stale.append(key)
        rulesCount += 1
      }
    }
    collect()
  }

  /// The mode in the kernel's own words, for a set whose content is not known.
  public func mode(of id: UInt32) -> Mode {
    guard Int(id) < words.count else { return .off }
    let word = hf_load_u64(words.base + Int(id))
    return Mode(rawValue: UInt8(truncatingIfNeeded: word >> UInt64(HF_RULE_SET_MODE_SHIFT))) ?? .off
  }

  /// After a restart: the content that the record of a container says is in force.
  /// Believed only when its word and rules are what the kernel holds.
  public func recall(_ content: RuleSet, as id: UInt32) {
    guard let entry = entries[id], entry.content == nil,
      let wanted = try? content.entries(secret), Set(wanted.keys) == Set(entry.keys),
      content.word(generation: entry.generation) == hf_load_u64(words.base + Int(id)),
      wanted.allSatisfy({ path, use in
        rules[hf_rule_key(rule_set: id, generation: entry.generation, path: (path.lane0, path.lane1))] == use
      })
    else { return }
    entries[id]!.content = content
    byContent[content, default: []].insert(id)
  }

  public func rulesCount(of id: UInt32) -> Int { entries[id]?.keys.count ?? 0 }
}

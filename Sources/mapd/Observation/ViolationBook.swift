// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement

/// Equal violations as one record each, with the kernel's own counts. Holds no more than
/// `recordsMax` records for each group of policies; the ones seen longest ago go first and are
/// counted. Does no I/O.
struct ViolationBook {
  static let recordsMax = 100

  /// What makes two violations equal.
  struct Identity: Hashable {
    var group: String
    var namespace: String
    var pod: String?
    var container: String
    /// Bytes: two names that are no UTF-8 can look the same as text.
    var executable: [UInt8]
    var reason: String
    var mode: String
  }

  /// A record with the kernel's reports that it counts.
  struct Entry {
    var record: ViolationRecord
    var identity: Identity
    /// Each report's count as it was last seen: what is above it is new.
    var seen: [ReportKey: UInt64] = [:]
  }

  private(set) var entries: [UInt64: Entry] = [:]
  private(set) var evicted: [String: UInt64] = [:]
  private var byIdentity: [Identity: UInt64] = [:]
  private var byReport: [ReportKey: UInt64] = [:]
  private var groups: [String: Set<UInt64>] = [:]
  private var nextID: UInt64 = 1
  /// Groups that changed since the last call of takeChanged().
  private var changedGroups = Set<String>()
  private var changedRecords = Set<UInt64>()

  static func group(_ policies: [String]) -> String { policies.joined(separator: ",") }

  /// An event of the gate, or its repeats.
  /// - Parameter count: how often so far in the kernel; 0 when it is not counted there: then it is
  ///   one more.
  mutating func observe(_ event: ViolationEvent, executable: [UInt8], key: ReportKey, count: UInt64) {
    let identity = Identity(
      group: Self.group(event.policy), namespace: event.namespace, pod: event.pod, container: event.container,
      executable: executable, reason: event.reason, mode: event.mode)
    let id: UInt64
    if let known = byIdentity[identity] {
      id = known
    } else {
      id = nextID
      nextID += 1
      entries[id] = Entry(
        record: ViolationRecord(id: id, latest: event, count: 0, first: event.time, last: event.time),
        identity: identity)
      byIdentity[identity] = id
      groups[identity.group, default: []].insert(id)
    }
    // Policies may have changed: the report counts for another record from now on.
    if let before = byReport[key], before != id, let seen = entries[before]?.seen.removeValue(forKey: key) {
      entries[id]!.seen[key] = seen
      changedGroups.insert(entries[before]!.identity.group)
    }
    if count > 0 { byReport[key] = id }
    add(to: id, key: key, count: count, time: event.time)
    entries[id]!.record.latest = event
    entries[id]!.record.latest.count = entries[id]!.record.count
    evict(identity.group, keeping: id)
  }

  /// A report whose event came to an earlier mapd. False when it is not known.
  mutating func advance(_ key: ReportKey, count: UInt64, time: String) -> Bool {
    guard let id = byReport[key] else { return false }
    if entries[id]?.seen[key] != count { add(to: id, key: key, count: count, time: time) }
    return true
  }

  /// The container is gone: the number of its cgroup may be another's one day.
  mutating func forget(_ key: ReportKey) {
    guard let id = byReport.removeValue(forKey: key) else { return }
    entries[id]?.seen[key] = nil
    if let group = entries[id]?.identity.group { changedGroups.insert(group) }
  }

  private mutating func add(to id: UInt64, key: ReportKey, count: UInt64, time: String) {
    let seen = entries[id]!.seen[key] ?? 0
    // Below what was seen: read before it. A report never begins anew: with other pins the path
    // keys are others as well, and the number of a cgroup is not used again.
    let more = count == 0 ? 1 : count > seen ? count - seen : 0
    if count > seen { entries[id]!.seen[key] = count }
    guard more > 0 else { return }
    entries[id]!.record.count &+= more
    entries[id]!.record.last = max(entries[id]!.record.last, time)
    changedGroups.insert(entries[id]!.identity.group)
    changedRecords.insert(id)
  }

  private mutating func evict(_ group: String, keeping id: UInt64) {
    while let members = groups[group], members.count > Self.recordsMax {
      let oldest = members.subtracting([id]).min {
        (entries[$0]!.record.last, $0) < (entries[$1]!.record.last, $1)
      }
      guard let oldest else { return }
      drop(oldest)
      evicted[group, default: 0] += 1
    }
  }

  private mutating func drop(_ id: UInt64) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    byIdentity[entry.identity] = nil
    groups[entry.identity.group]?.remove(id)
    for key in entry.seen.keys where byReport[key] == id { byReport[key] = nil }
    changedGroups.insert(entry.identity.group)
    changedRecords.remove(id)
  }

  /// Nothing is changed when there is no such record.
  mutating func acknowledge(_ id: UInt64, at time: String) -> ViolationRecord? {
    guard entries[id] != nil else { return nil }
    entries[id]!.record.acknowledged = time
    changedGroups.insert(entries[id]!.identity.group)
    changedRecords.insert(id)
    return entries[id]!.record
  }

  /// Latest first.
  func records(of policy: String? = nil) -> [ViolationRecord] {
    entries.values.map(\.record).filter { policy.map($0.isOf) ?? true }
      .sorted { ($0.last, $0.id) > ($1.last, $1.id) }
  }

  mutating func takeChanged() -> (groups: Set<String>, records: [ViolationRecord]) {
    defer { (changedGroups, changedRecords) = ([], []) }
    return (changedGroups, changedRecords.sorted().compactMap { entries[$0]?.record })
  }

  /// To be tried again.
  mutating func markChanged(_ group: String) { changedGroups.insert(group) }

  /// What is kept of a group on disk.
  func page(_ group: String) -> ViolationPage {
    let members = (groups[group] ?? []).sorted().map { entries[$0]! }
    return ViolationPage(
      group: group, evicted: evicted[group] ?? 0, nextID: nextID,
      entries: members.map {
        .init(record: $0.record, executable: $0.identity.executable, seen: $0.seen.map(SeenReport.init))
      })
  }

  /// Takes over what an earlier mapd wrote.
  /// - Parameter countsGoOn: the kernel's counts are still those that were seen then.
  mutating func restore(_ page: ViolationPage, countsGoOn: Bool) {
    evicted[page.group] = page.evicted
    nextID = max(nextID, page.nextID)
    for kept in page.entries where entries[kept.record.id] == nil {
      let event = kept.record.latest
      let identity = Identity(
        group: page.group, namespace: event.namespace, pod: event.pod, container: event.container,
        executable: kept.executable, reason: event.reason, mode: event.mode)
      guard byIdentity[identity] == nil else { continue }
      let seen = countsGoOn ? Dictionary(kept.seen.map { ($0.key, $0.count) }) { max($0, $1) } : [:]
      entries[kept.record.id] = Entry(record: kept.record, identity: identity, seen: seen)
      byIdentity[identity] = kept.record.id
      groups[page.group, default: []].insert(kept.record.id)
      for key in seen.keys { byReport[key] = kept.record.id }
      nextID = max(nextID, kept.record.id + 1)
    }
  }
}

/// The records of one group of policies as they are on disk.
struct ViolationPage: Codable {
  struct Entry: Codable {
    var record: ViolationRecord
    var executable: [UInt8]
    var seen: [SeenReport]
  }

  var group: String
  var evicted: UInt64
  var nextID: UInt64
  /// The machine's run in which the kernel's counts were seen.
  var boot: String?
  var entries: [Entry]
}

// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc

/// A gate of another layout that is still attached when mapd starts: of a release before, or
/// after a downgrade of a later one. Both enforce until detach().
final class Predecessor {
  let pins: Pins
  private var links: [PinnedLink]
  private let maps: [String: MapHandle]
  /// Maps that the new gate does not share.
  private var copied: [String: MapHandle] = [:]

  /// Values may be longer or shorter in the other layout: see HF_LAYOUT in the contract.
  private static let growing: Set = ["config", "bindings", "pidns", "rules", "reports"]
  /// Without these the others mean nothing.
  private static let essential = ["config", "bindings", "pidns", "assignments", "rulesets", "rules"]

  /// nil when nothing in that directory is attached.
  init?(_ pins: Pins) {
    let links = pins.links()
    guard !links.isEmpty else { return nil }
    self.pins = pins
    self.links = links
    maps = links.reduce(into: [:]) { maps, link in maps.merge(link.maps()) { old, _ in old } }
  }

  /// What is left in a directory where nothing is attached: of a change of layout that was cut
  /// off. nil when something is.
  init?(leftover pins: Pins) {
    guard pins.links().isEmpty else { return nil }
    self.pins = pins
    links = []
    maps = GateObject.pinnedMaps.reduce(into: [:]) { maps, name in
      maps[name] = MapHandle(pinned: pins.map(name))
    }
  }

  /// Can its bindings and rules be carried over?
  func isCompatible(with specs: [String: MapSpec]) -> Bool {
    Self.essential.allSatisfy { name in
      guard let info = maps[name]?.info, let spec = specs[name] else { return false }
      return info.type == spec.type && info.keySize == spec.keySize
        && (info.valueSize == spec.valueSize || Self.growing.contains(name))
    }
  }

  /// Pins the maps that both layouts have alike in the new directory too: they are shared.
  /// - Returns: for the others, how many entries they take.
  func share(with new: Pins, specs: [String: MapSpec]) throws(EnforcementError) -> [String: Int] {
    var sizes: [String: Int] = [:]
    for (name, spec) in specs {
      guard let map = maps[name] else { continue }
      // The counters of another layout are more or fewer.
      if spec.fits(map.info), name != "counters" || map.info.maximum == HF_COUNTERS_SLOTS {
        try new.replace(new.map(name)) { bpf_obj_pin(map.descriptor, $0) }
      } else if name != "counters" {
        sizes[name] = map.info.maximum
      }
    }
    return sizes
  }

  /// Copies what is not shared, before the new gate is attached.
  func copy(to new: [String: MapHandle]) throws(EnforcementError) {
    for (name, map) in new where maps[name].map({ $0.info.id != map.info.id }) ?? false {
      copied[name] = map
      guard Self.essential.contains(name) else { continue }
      let old = maps[name]!
      for key in old.keys() {
        if let value = old[key] { try map.write(value, for: key) }
      }
    }
  }

  /// After a start that ended between attaching the new gate and detaching this one: what is
  /// not shared has been copied already.
  func resume(with new: [String: MapHandle]) {
    for (name, map) in new where maps[name].map({ $0.info.id != map.info.id }) ?? false { copied[name] = map }
  }

  /// Containers whose start only this gate has seen: the new one would take their execs for
  /// the runtime's. Call it when no exec is being judged that began before the new gate.
  func carrySeals() throws(EnforcementError) {
    guard let old = maps["bindings"], let new = copied["bindings"] else { return }
    for key in old.keys() {
      guard let value = old[key], Self.flags(value) & HF_BINDING_SEALED != 0,
        let now = new[key], Self.flags(now) & HF_BINDING_SEALED == 0
      else { continue }
      try new.write(value, for: key)
    }
  }

  /// Detaches this gate, at once, and removes its pins. Its counts go to the new one's.
  /// - Returns: what could not be carried over.
  func detach() -> [EnforcementError] {
    for link in links {
      FaultPoint.pass("\(link.path) is unpinned")
      unlink(link.path)
    }
    links = []
    if hf_wait_for_programs() != 0 { usleep(100_000) }
    var problems: [EnforcementError] = []
    for carry in [carrySeals, carryReports, carryCounters] {
      do throws(EnforcementError) { try carry() } catch { problems.append(error) }
    }
    pins.removeAll()
    return problems
  }

  private static func flags(_ binding: [UInt8]) -> UInt32 {
    binding.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: MemoryLayout<hf_binding>.offset(of: \.flags)!, as: UInt32.self)
    }
  }

  /// As entries of their own beside those that the new gate counts in.
  private func carryReports() throws(EnforcementError) {
    guard let old = maps["reports"], let new = copied["reports"] else { return }
    var totals: [[UInt8]: UInt64] = [:]
    let verdict = MemoryLayout<hf_report_key>.offset(of: \.verdict)!
    for var key in old.keys() {
      guard let value = old[key] else { continue }
      // Carried ones of an upgrade before are added to the gate's own.
      key[verdict + 3] |= 0x80  // HF_REPORT_CARRIED, little-endian
      totals[key, default: 0] += value.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    }
    for (key, total) in totals {
      // A detach() that was cut off may have written it already.
      let before = new[key]?.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } ?? 0
      guard total > before else { continue }
      try new.write(withUnsafeBytes(of: total) { Array($0) }, for: key)
    }
  }

  private func carryCounters() throws(EnforcementError) {
    guard let old = maps["counters"], let new = copied["counters"] else { return }
    let before = Counters(descriptor: dup(old.descriptor), slots: UInt32(old.info.maximum))
    let after = Counters(descriptor: dup(new.descriptor), slots: UInt32(new.info.maximum))
    for index in 0..<Counters.count { try after.carry(before[index], for: index) }
  }
}

// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// Makes a pin directory whole before its maps are taken over. What is attached tells which
/// maps are right: a program holds its maps whatever becomes of their pins.
struct PinRepair {
  let pins: Pins
  let specs: [String: MapSpec]

  enum Outcome: Equatable {
    /// Nothing was here, or nothing that was of use.
    case empty
    /// All maps are here.
    case whole
    /// A gate is attached that this mapd cannot take over; its directory was put aside.
    case putAside
  }

  /// - Returns: how it stands, and what was wrong, for the log.
  func run() throws(EnforcementError) -> (outcome: Outcome, notes: [String]) {
    var notes: [String] = []
    if pins.removeUnfinished() { notes.append("a pin that was being replaced when mapd ended was removed") }
    let links = pins.links()
    var used: [String: MapHandle] = [:]
    for link in links { used.merge(link.maps()) { old, _ in old } }

    var missing: [String] = []
    var present = 0
    for name in GateObject.pinnedMaps {
      let path = pins.map(name)
      let spec = specs[name]
      let pinned = MapHandle(pinned: path).flatMap { map in spec?.fits(map.info) == true ? map : nil }
      if let map = used[name], spec?.fits(map.info) == true {
        if pinned?.info.id != map.info.id {
          let what = pins.exists(path) ? "was another map than the gate's" : "was missing"
          try pins.replace(path) { bpf_obj_pin(map.descriptor, $0) }
          notes.append("the pin of map \(name) \(what); it was made anew from the attached program")
        }
        present += 1
      } else if pinned != nil {
        present += 1
      } else {
        missing.append(pins.exists(path) ? "\(name) (foreign)" : name)
      }
    }
    if missing.isEmpty { return (.whole, notes) }
    if !links.isEmpty {
      try putAside()
      notes.append(
        "the attached gate's maps \(missing.joined(separator: ", ")) are not of this layout; it stays "
          + "attached until the new one has taken over")
      return (.putAside, notes)
    }
    // Nothing is attached, so nothing is enforced by these: a first start that was cut off.
    if present > 0 || missing.contains(where: { $0.hasSuffix(")") }) {
      notes.append("incomplete pins without a program were removed (wrong: \(missing.joined(separator: ", ")))")
    }
    pins.removeAll()
    try pins.prepare()
    return (.empty, notes)
  }

  private func putAside() throws(EnforcementError) {
    var number = 0
    while pins.exists("\(pins.directory)_aside\(number)") { number += 1 }
    guard rename(pins.directory, "\(pins.directory)_aside\(number)") == 0 else {
      throw .current(
        "put the pins in \(pins.directory) aside, which are not of this layout",
        remedy: "remove them; nothing is enforced from then on until mapd runs")
    }
    try pins.prepare()
  }
}

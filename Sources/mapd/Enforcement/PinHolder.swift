// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// Holds the gate's links and maps in this process beside their pins. Without the pins
/// enforcement would end with mapd; with this it does not end before.
final class PinHolder: Sendable {
  private let pins: Pins
  private let maps: [String: MapHandle]
  private let links: [PinnedLink]

  init(pins: Pins, maps: [String: MapHandle], links: [PinnedLink]) {
    self.pins = pins
    self.maps = maps
    self.links = links
  }

  /// - Returns: the pins that were missing or another's and have been made anew, and what
  ///   keeps them from being so.
  func keep() -> (restored: [String], problem: String?) {
    var restored: [String] = []
    do throws(EnforcementError) {
      // Without a bpf filesystem at its place there is nowhere to pin: prepare() says so.
      if !pins.isOnBPFFS { try pins.prepare() }
      // Maps first: a gate whose maps are not pinned could not be adopted.
      for name in maps.keys.sorted() {
        let map = maps[name]!
        let path = pins.map(name)
        guard !isPinned(map, path) else { continue }
        try pins.replace(path) { bpf_obj_pin(map.descriptor, $0) }
        restored.append(path)
      }
      for link in links where !link.isPinned {
        try pins.replace(link.path) { link.pin(at: $0) }
        restored.append(link.path)
      }
      return (restored, nil)
    } catch {
      return (
        restored,
        "the gate is not pinned: enforcement ends when mapd ends (\(error))"
      )
    }
  }

  /// The programs that are attached, as the kernel counts them.
  func programs() -> [ProgramUse] { links.compactMap { $0.use() } }

  /// Bytes of kernel memory by map; a map whose memory the kernel does not tell is not there.
  func memory() -> [String: UInt64] { maps.compactMapValues { $0.memory() } }

  private func isPinned(_ map: MapHandle, _ path: String) -> Bool {
    MapHandle(pinned: path)?.info.id == map.info.id
  }
}

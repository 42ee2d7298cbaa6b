// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What a mapd notes of the gate that it has attached, for the next one: if nothing has changed since, the
/// next one need not load the object to see that it is the one that is attached. The verifier takes a second
/// for that, and hooks wait. In /run: it ends with the boot, as the gate does.
struct AttachedGate: Codable, Equatable {
  /// A file as it was: one that is written or replaced has another change time, or is another.
  struct File: Codable, Equatable {
    var path: String
    var device: UInt
    var inode: UInt
    var size: Int
    var changed: Int
    var changedNanoseconds: Int

    /// nil when it cannot be looked at.
    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      self.path = path
      device = UInt(status.st_dev)
      inode = UInt(status.st_ino)
      size = Int(status.st_size)
      changed = status.st_ctim.tv_sec
      changedNanoseconds = status.st_ctim.tv_nsec
    }
  }

  struct Refusal: Codable, Equatable {
    var attach: String
    var reason: String
  }

  var boot: String
  var file: File
  /// What mapd was told: an attach point, or to take the best.
  var choice: String
  var lsmList: [String]
  var attach: String
  var refusals: [Refusal]
  /// The kernel's numbers of the programs, by the path of their link's pin.
  var programs: [String: UInt32]

  static var thisBoot: String { smallFile("/proc/sys/kernel/random/boot_id") ?? "" }

  /// nil: there is none, or none that can be read.
  static func read(_ path: String) -> AttachedGate? {
    guard let text = smallFile(path) else { return nil }
    return try? JSONDecoder().decode(AttachedGate.self, from: Data(text.utf8))
  }

  /// For root alone. Without it the next start takes longer, and that is all.
  func write(_ path: String) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let new = path + ".new"
    guard let text = try? encoder.encode(self),
      FileManager.default.createFile(atPath: new, contents: text, attributes: [.posixPermissions: 0o600])
    else { return }
    rename(new, path)
  }

  static func programs(_ links: [PinnedLink]) -> [String: UInt32] {
    Dictionary(links.map { ($0.path, $0.programID) }, uniquingKeysWith: { first, _ in first })
  }

  /// Is this still so: the boot, the file, what mapd is told, what the kernel offers, the programs behind
  /// the links, and the maps that they use are those that are pinned?
  func holds(file: String, choice: String, lsmList: [String], links: [PinnedLink], pins: Pins) -> Bool {
    guard !boot.isEmpty, boot == Self.thisBoot, self.choice == choice, self.lsmList == lsmList, self.file == File(file),
      programs == Self.programs(links)
    else { return false }
    return links.allSatisfy { link in
      let used = link.maps()
      return !used.isEmpty
        && GateObject.pinnedMaps.allSatisfy { name in
          used[name] == nil || used[name]!.info.id == MapHandle(pinned: pins.map(name))?.info.id
        }
    }
  }
}

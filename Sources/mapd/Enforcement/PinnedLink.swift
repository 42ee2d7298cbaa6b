// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// A link that is, or was, pinned: owns its descriptor, so that the program stays attached
/// as long as this lives, whatever happens to the pin.
final class PinnedLink: Sendable {
  let path: String
  private let descriptor: Int32
  let id: UInt32
  let programID: UInt32

  /// nil when no link is pinned there.
  convenience init?(_ path: String) { self.init(path, descriptor: bpf_obj_get(path)) }

  /// Owns `descriptor`, also when there is no link behind it.
  init?(_ path: String, descriptor: Int32) {
    var info = bpf_link_info()
    var size = UInt32(MemoryLayout<bpf_link_info>.size)
    guard descriptor >= 0, KernelObject.kind(of: descriptor) == .link,
      bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0
    else {
      if descriptor >= 0 { close(descriptor) }
      return nil
    }
    self.path = path
    self.descriptor = descriptor
    id = info.id
    programID = info.prog_id
  }

  deinit { close(descriptor) }

  /// Its program's descriptor, for the caller to close.
  func program() -> Int32? {
    let program = bpf_prog_get_fd_by_id(programID)
    return program >= 0 ? program : nil
  }

  /// The maps that its program uses, by name.
  func maps() -> [String: MapHandle] {
    guard let program = program() else { return [:] }
    defer { close(program) }
    var maps: [String: MapHandle] = [:]
    for id in GateObject.maps(ofProgram: program) {
      if let map = MapHandle(id: id) { maps[map.info.name] = map }
    }
    return maps
  }

  func pin(at path: String) -> Int32 { bpf_obj_pin(descriptor, path) }

  /// Is this very link at its path?
  var isPinned: Bool { PinnedLink(path)?.id == id }
}

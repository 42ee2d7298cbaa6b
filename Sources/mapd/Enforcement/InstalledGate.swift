// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc

/// What is pinned while no mapd runs, to be taken down for good. Nobody can start a mapd on
/// these pins as long as this lives.
public final class InstalledGate {
  public let pinRoot: String
  private let layouts: [Pins]
  private let lock: Int32

  /// nil: nothing is pinned below `pinRoot`.
  /// - Throws: when a mapd holds the pins, or they cannot be reached.
  public init?(pinRoot: String) throws(EnforcementError) {
    guard access(pinRoot, F_OK) == 0 || errno != ENOENT else { return nil }
    // An ordinary folder of that name is not ours to empty.
    guard KernelFeatures.isBPFFS(pinRoot) else {
      guard access(pinRoot, R_OK | X_OK) == 0 else { throw .current("open the pin directory \(pinRoot)") }
      throw EnforcementError(
        "\(pinRoot) is not on a bpf filesystem", kind: .unsupported, remedy: "name the pin directory with --bpffs")
    }
    lock = try Pins(root: pinRoot, name: "").lock()
    self.pinRoot = pinRoot
    layouts = Pins.all(below: pinRoot)
    guard !layouts.isEmpty else {
      rmdir(pinRoot)
      close(lock)
      return nil
    }
  }

  deinit { close(lock) }

  /// The programs that are attached, by name; empty: nothing is enforced.
  public var programs: [String] {
    layouts.flatMap { $0.links() }.compactMap { $0.path.split(separator: "/").last }
      .map { String($0.dropFirst(Pins.linkPrefix.count)) }
  }

  /// The cgroups that are bound.
  public var boundCgroups: Set<CgroupKey> {
    var bound: Set<CgroupKey> = []
    for pins in layouts {
      for key in MapHandle(pinned: pins.map("bindings"))?.keys() ?? []
      where key.count == MemoryLayout<hf_cgroup_key>.size {
        bound.insert(CgroupKey(key.withUnsafeBytes { $0.loadUnaligned(as: hf_cgroup_key.self) }))
      }
    }
    return bound
  }

  /// Detaches the gate and removes all pins. When this returns no exec is judged any more.
  /// - Throws: when it is still attached: somebody else holds it.
  public func detach() throws(EnforcementError) {
    var links = layouts.flatMap { $0.links() }
    let ids = links.map(\.id)
    for link in links where unlink(link.path) != 0 { throw .current("remove the pin \(link.path)") }
    // The last reference is a descriptor: closing it detaches now, where removing the pin
    // would leave it to the kernel when.
    links = []
    Gate.waitForPrograms()
    if let held = ids.first(where: Self.exists) {
      throw EnforcementError(
        "the gate is still attached, though its pins are removed: another process holds link \(held)",
        remedy: "find it with bpftool link show, and end it")
    }
    for pins in layouts { pins.removeAll() }
    for pins in layouts where pins.exists(pins.directory) {
      throw EnforcementError(
        "the gate is detached, but \(pins.directory) is not empty", remedy: "see what is in it, and remove it")
    }
    rmdir(pinRoot)
  }

  private static func exists(link id: UInt32) -> Bool {
    let descriptor = bpf_link_get_fd_by_id(id)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    return true
  }
}

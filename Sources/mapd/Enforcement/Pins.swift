// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc

/// The pin directory, `<bpffs>/v<layout>`: what holds the gate while no mapd runs.
struct Pins: Sendable {
  let root: String
  var directory: String { "\(root)/v\(HF_LAYOUT)" }

  func map(_ name: String) -> String { "\(directory)/\(name)" }
  func link(_ program: String) -> String { "\(directory)/link_\(program)" }

  /// Makes the directory, 0700, on a bpf filesystem.
  func prepare() throws(EnforcementError) {
    for path in [root, directory] where mkdir(path, 0o700) != 0 && errno != EEXIST {
      throw .current(
        "make the pin directory \(path)",
        remedy: "mount the bpf filesystem: mount -t bpf bpf /sys/fs/bpf")
    }
    guard KernelFeatures.isBPFFS(directory) else {
      throw EnforcementError(
        "\(directory) is not on a bpf filesystem", kind: .unsupported,
        remedy: "mount one (mount -t bpf bpf /sys/fs/bpf) or name another with --bpffs")
    }
  }

  func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Pins so that at every moment either the old or the new object is at `path`.
  func replace(_ path: String, pin: (String) -> Int32) throws(EnforcementError) {
    let fresh = path + "_new"  // bpffs refuses names with a dot
    unlink(fresh)
    let result = pin(fresh)
    guard result == 0 else { throw EnforcementError("pin \(path)", code: result) }
    guard rename(fresh, path) == 0 else {
      let error = EnforcementError.current("pin \(path)")
      unlink(fresh)
      throw error
    }
  }
}

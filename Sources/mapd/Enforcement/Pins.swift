// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc

/// The pin directory, `<bpffs>/v<layout>`: what holds the gate while no mapd runs.
struct Pins: Sendable {
  let root: String
  let directory: String
  static let linkPrefix = "link_"
  private static let freshSuffix = "_new"

  init(root: String, layout: Int) {
    self.init(root: root, name: "v\(layout)")
  }

  init(root: String, name: String) {
    self.root = root
    directory = "\(root)/\(name)"
  }

  func map(_ name: String) -> String { "\(directory)/\(name)" }
  func link(_ program: String) -> String { "\(directory)/\(Self.linkPrefix)\(program)" }

  /// Makes the directory, 0700, on a bpf filesystem.
  func prepare() throws(EnforcementError) {
    for path in [root, directory] where mkdir(path, 0o700) != 0 && errno != EEXIST {
      throw .current(
        "make the pin directory \(path)",
        remedy: "mount the bpf filesystem: mount -t bpf bpf /sys/fs/bpf")
    }
    guard isOnBPFFS else {
      throw EnforcementError(
        "\(directory) is not on a bpf filesystem", kind: .unsupported,
        remedy: "mount one (mount -t bpf bpf /sys/fs/bpf) or name another with --bpffs")
    }
  }

  /// Two mapds on the same pins would write the same maps, whatever their run directories.
  /// - Returns: the descriptor that holds the lock.
  func lock() throws(EnforcementError) -> Int32 {
    let descriptor = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .current("open the pin directory \(root)") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw EnforcementError(
        "another mapd holds the pins in \(root)", kind: .held, remedy: "stop it first, or name another --bpffs")
    }
    return descriptor
  }

  var isOnBPFFS: Bool { KernelFeatures.isBPFFS(directory) }

  func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Pins so that at every moment either the old or the new object is at `path`.
  func replace(_ path: String, pin: (String) -> Int32) throws(EnforcementError) {
    let fresh = path + Self.freshSuffix  // bpffs refuses names with a dot
    unlink(fresh)
    FaultPoint.pass("\(fresh) is pinned")
    let result = pin(fresh)
    guard result == 0 else { throw EnforcementError("pin \(path)", code: result) }
    FaultPoint.pass("\(path) is pinned")
    guard rename(fresh, path) == 0 else {
      let error = EnforcementError.current("pin \(path)")
      unlink(fresh)
      throw error
    }
  }

  /// The links that are pinned here and can be opened.
  func links() -> [PinnedLink] {
    Self.names(in: directory).filter { $0.hasPrefix(Self.linkPrefix) }
      .compactMap { PinnedLink("\(directory)/\($0)") }
  }

  /// What a mapd that ended inside replace() has left: true when there was something.
  func removeUnfinished() -> Bool {
    let left = Self.names(in: directory).filter { $0.hasSuffix(Self.freshSuffix) }
    for name in left {
      FaultPoint.pass("\(name) is unpinned")
      unlink("\(directory)/\(name)")
    }
    return !left.isEmpty
  }

  /// Removes all pins, links first: without its maps' pins a gate could not be adopted.
  func removeAll() {
    let names = Self.names(in: directory)
    for name in names.filter({ $0.hasPrefix(Self.linkPrefix) }) + names {
      FaultPoint.pass("\(name) is unpinned")
      unlink("\(directory)/\(name)")
    }
    rmdir(directory)
  }

  /// The other layouts' directories below the same root.
  func others() -> [Pins] { Self.all(below: root).filter { $0.directory != directory } }

  /// The directories of all layouts.
  static func all(below root: String) -> [Pins] {
    names(in: root).filter { $0.hasPrefix("v") }.map { Pins(root: root, name: $0) }
  }

  private static func names(in path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}

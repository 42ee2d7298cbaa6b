// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The files of one gate. It is built twice (bpf/compat.h): `gate.bpf.o`, which every kernel takes,
/// and beside it `gate-6.2.bpf.o`, which reads by plain loads and takes about half the time.
struct GateFiles {
  /// Since this release of Linux programs may cast any address to a pointer that they can read.
  static let plainLoadsSince = (6, 2)

  /// What to load, the best first. The configured file is the last: it takes the place of any other.
  let paths: [String]
  /// Why a file that is there is not among them.
  let note: String?

  /// - Parameter configured: of the file that is configured; `path` names it.
  init(path: String, configured: GateObject, kernel: KernelFeatures) throws(EnforcementError) {
    guard kernel.isAtLeast(Self.plainLoadsSince), let faster = Self.faster(than: path), access(faster, F_OK) == 0 else {
      paths = [path]
      note = nil
      return
    }
    let object = try? GateObject(path: faster)
    if let object, object.layout == configured.layout, (try? object.specs()) == (try configured.specs()) {
      paths = [faster, path]
      note = nil
    } else {
      paths = [path]
      note = "\(faster) is not of the release of \(path) and is not used; install both of one release"
    }
  }

  /// `gate-6.2.bpf.o` for `gate.bpf.o`, in the same folder.
  static func faster(than path: String) -> String? {
    let ending = ".bpf.o"
    guard path.hasSuffix(ending) else { return nil }
    let (major, minor) = plainLoadsSince
    return path.dropLast(ending.count) + "-\(major).\(minor)\(ending)"
  }
}

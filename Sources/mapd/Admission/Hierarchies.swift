// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Where cgroup2 (`unified`) and the v1 hierarchies of pids and memory are mounted whole, by controller.
typealias HierarchyMounts = [String: String]

/// Remembers where the hierarchies are mounted. They stay where they are, and each container's start asks;
/// the mount table has hundreds of lines where containers run.
final class Hierarchies: Sendable {
  private struct Place {
    var mountPoint: String
    var device: dev_t
    var inode: ino_t
  }

  private let known = Mutex<[String: Place]>([:])

  /// Those that are still where they were when they were noted.
  func stillMounted() -> HierarchyMounts {
    known.withLock { known in
      known.filter { _, place in
        var status = stat()
        return stat(place.mountPoint, &status) == 0 && status.st_dev == place.device && status.st_ino == place.inode
      }.mapValues(\.mountPoint)
    }
  }

  func note(_ mounts: HierarchyMounts) {
    known.withLock { known in
      known = mounts.compactMapValues { mountPoint in
        var status = stat()
        guard stat(mountPoint, &status) == 0 else { return nil }
        return Place(mountPoint: mountPoint, device: status.st_dev, inode: status.st_ino)
      }
    }
  }
}

extension ProcFS {
  static let controllers = ["unified", "pids", "memory"]

  /// From the mount table.
  func hierarchyMounts() throws(AdmissionError) -> HierarchyMounts {
    let mounts = Self.hierarchyMounts(try ownMounts())
    hierarchies.note(mounts)
    return mounts
  }

  static func hierarchyMounts(_ mounts: [MountLine]) -> HierarchyMounts {
    var found: HierarchyMounts = [:]
    for mount in mounts where mount.root == "/" {
      for controller in controllers where found[controller] == nil {
        let isIt =
          controller == "unified"
          ? mount.type == "cgroup2" : mount.type == "cgroup" && mount.options[controller] != nil
        if isIt { found[controller] = mount.mountPoint }
      }
    }
    return found
  }
}

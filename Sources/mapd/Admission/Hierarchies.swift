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
    var file: FileID
  }

  private let known = Mutex<[String: Place]>([:])

  /// Where a controller's hierarchy is, if that is still where it was when it was noted.
  func stillMounted(_ controller: String) -> String? {
    guard let place = known.withLock({ $0[controller] }), FileID(place.mountPoint) == place.file else { return nil }
    return place.mountPoint
  }

  func note(_ mounts: HierarchyMounts) {
    known.withLock { known in
      known = mounts.compactMapValues { mountPoint in
        FileID(mountPoint).map { Place(mountPoint: mountPoint, file: $0) }
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

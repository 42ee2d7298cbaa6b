// SPDX-License-Identifier: Apache-2.0
import Glibc

extension ProcFS {
  /// A mount namespace of mapd's own begins as a copy of the host's, with the roots of the
  /// containers that run. Podman and CRI-O mount those privately: the copies would stay when the
  /// host unmounts them, and a container that is started again would find its writable layer in
  /// use (refused by overlayfs with index=on, undefined without). So mapd lets go of them.
  ///
  /// Does nothing in the host's own mount namespace.
  /// - Returns: how many were let go, and what could not be.
  public func leaveContainerRoots() -> (left: Int, problems: [String]) {
    guard let own = try? namespace(getpid(), "mnt"), let host = try? namespace(1, "mnt"), own != host,
      let mounts = try? ownMounts()
    else { return (0, []) }
    var left = 0
    var problems: [String] = []
    for mount in Self.containerRoots(mounts) {
      // Lazily: what mapd itself may hold of it goes when it closes that.
      if umount2(mount.mountPoint, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) == 0 {
        left += 1
      } else {
        let reason = String(cString: strerror(errno))
        problems.append("unmount \(mount.mountPoint) in mapd's own mount namespace: \(reason)")
      }
    }
    return (left, problems)
  }

  /// Overlays that do not go when the host unmounts them. mapd's own root may be one, where
  /// mapd runs in a container. The latest mount comes first: it may be on another.
  static func containerRoots(_ mounts: [MountLine]) -> [MountLine] {
    mounts.filter { $0.type == "overlay" && !$0.follows && $0.mountPoint != "/" }.reversed()
  }
}

// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Glibc

/// The cgroup that a container is bound by.
public struct CgroupLocation: Codable, Hashable, Sendable {
  /// The kernel's id: the inode number of the directory.
  public var id: UInt64
  /// 0 is cgroup2, else the v1 hierarchy's number.
  public var hierarchy: UInt32
  /// `unified`, or the v1 controller.
  public var controller: String
  /// Path below the hierarchy's root.
  public var path: String
  /// Path of the directory in cgroupfs.
  public var directory: String

  public var key: CgroupKey { CgroupKey(id: id, hierarchy: hierarchy) }
  public var level: Int { path.split(separator: "/").count }
  var bindingController: NewBinding.Controller {
    switch controller {
    case "pids": .pids
    case "memory": .memory
    default: .none
    }
  }

  /// Certainly no more: the directory is not there or another one. That it cannot be looked
  /// at says nothing.
  public var isGone: Bool {
    var status = stat()
    if stat(directory, &status) == 0 { return status.st_ino != id }
    return errno == ENOENT
  }
}

extension ProcFS {
  /// The cgroup of `pid` that is its container's own: in cgroup2 where it has one there,
  /// else in the v1 hierarchy of pids or memory. A cgroup that `caller`, the process that
  /// runs the hook outside of the container, is in as well is not the container's own.
  func containerCgroup(of pid: Int32, notOf caller: Int32?) throws(AdmissionError) -> CgroupLocation {
    let lines = try cgroups(pid)
    let callers = caller.flatMap { try? cgroups($0) } ?? []
    var own = Self.ownCgroup(lines: lines, callers: callers, mountPoint: hierarchies.stillMounted)
    if own == nil {
      let mounts = try hierarchyMounts()
      own = Self.ownCgroup(lines: lines, callers: callers) { mounts[$0] }
    }
    if let own {
      var status = stat()
      guard stat(own.directory, &status) == 0 else {
        throw .current(.invalid, "the cgroup \(own.directory) of process \(pid)")
      }
      return CgroupLocation(
        id: UInt64(status.st_ino), hierarchy: own.line.hierarchy, controller: own.controller,
        path: own.line.path, directory: own.directory)
    }
    let seen = Self.candidates(lines).map { "\($0.controller): \($0.line.path)" }
    throw AdmissionError(
      .unsupported,
      "process \(pid) is in no cgroup of its container alone (\(seen.joined(separator: ", "))); "
        + "give the container a cgroup of its own (linux.cgroupsPath)")
  }

  /// Which of a process's cgroups is its container's own, and where it is mounted.
  static func ownCgroup(
    lines: [CgroupLine], callers: [CgroupLine], mountPoint: (String) -> String?
  ) -> (line: CgroupLine, controller: String, directory: String)? {
    for (line, controller) in candidates(lines) {
      // `/..`: outside of this process's cgroup namespace
      guard line.path != "/", !line.path.hasPrefix("/.."), !callers.contains(line) else { continue }
      if let mount = mountPoint(controller) { return (line, controller, mount + line.path) }
    }
    return nil
  }

  /// The lines that a container can be bound by, best first.
  static func candidates(_ lines: [CgroupLine]) -> [(line: CgroupLine, controller: String)] {
    controllers.compactMap { controller in
      let line = lines.first {
        controller == "unified" ? $0.hierarchy == 0 && $0.controllers.isEmpty : $0.controllers.contains(controller[...])
      }
      return line.map { ($0, controller) }
    }
  }
}

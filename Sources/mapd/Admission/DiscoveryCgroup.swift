// SPDX-License-Identifier: Apache-2.0
import Foundation

extension ProcFS {
  /// The cgroup of a container that runs already. Its init may have moved below it (systemd
  /// does) or, with cgroupfs writable, away: what the runtime wrote down comes first.
  func runningCgroup(of found: FoundContainer, cgroupsPath: String?) throws(AdmissionError) -> CgroupLocation {
    let lines = try cgroups(found.pid)
    let told = Self.toldCgroup(
      found, cgroupsPath: cgroupsPath, lines: lines, mounts: try hierarchyMounts(), isDirectory: Self.isDirectory)
    let location: CgroupLocation
    if let told {
      location = try Self.location(told)
    } else {
      location = try containerCgroup(of: found.pid, notOf: parent(found.pid))
    }
    let strangers = hostProcesses(in: location)
    guard strangers.isEmpty else {
      throw AdmissionError(
        .unsupported,
        "cgroup \(location.path) of container \(found.id) is not its own: processes of the host are in it "
          + "(\(strangers.prefix(5).map(String.init).joined(separator: ", "))); give the container a cgroup of its own")
    }
    return location
  }

  typealias ToldCgroup = (hierarchy: UInt32, controller: String, path: String, directory: String)

  /// Where the runtime's state says that the container is; nil when it says nothing that is there.
  static func toldCgroup(
    _ found: FoundContainer, cgroupsPath: String?, lines: [CgroupLine], mounts: HierarchyMounts,
    isDirectory: (String) -> Bool
  ) -> ToldCgroup? {
    var left: ToldCgroup?
    for (line, controller) in candidates(lines) {
      guard let mount = mounts[controller] else { continue }
      for path in told(found, controller, cgroupsPath, line, mount) {
        let directory = mount + path
        guard path != "/", !path.split(separator: "/").contains(".."), isDirectory(directory) else { continue }
        let place = (line.hierarchy, controller, path, directory)
        if line.path == path || line.path.hasPrefix(path + "/") { return place }
        // Only root's word counts for a process that is elsewhere.
        if found.owner == 0, left == nil { left = place }
      }
    }
    return left
  }

  private static func told(
    _ found: FoundContainer, _ controller: String, _ cgroupsPath: String?, _ line: CgroupLine, _ mount: String
  ) -> [String] {
    var paths: [String] = []
    // runc: the directory, for each hierarchy
    if let directory = found.cgroups[controller == "unified" ? "" : controller], directory.hasPrefix(mount + "/") {
      paths.append(String(directory.dropFirst(mount.count)))
    } else if let path = found.cgroups[""], path.hasPrefix("/"), found.cgroups.count == 1 {
      // crun: one path for all
      paths.append(path)
    }
    if let cgroupsPath {
      if cgroupsPath.hasPrefix("/") {
        paths.append(cgroupsPath)
      } else if let unit = systemdUnit(cgroupsPath),
        let end = line.path.range(ofComponent: unit)
      {
        paths.append(String(line.path[..<end]))
      }
    }
    return paths.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
  }

  /// `slice:prefix:name`, as the systemd cgroup drivers take it.
  static func systemdUnit(_ cgroupsPath: String) -> String? {
    let parts = cgroupsPath.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[2].isEmpty else { return nil }
    if parts[2].hasSuffix(".slice") { return String(parts[2]) }
    return parts[1].isEmpty ? "\(parts[2]).scope" : "\(parts[1])-\(parts[2]).scope"
  }

  private static func location(_ told: ToldCgroup) throws(AdmissionError) -> CgroupLocation {
    var status = stat()
    guard stat(told.directory, &status) == 0 else { throw .current(.invalid, "the cgroup \(told.directory)") }
    return CgroupLocation(
      id: UInt64(status.st_ino), hierarchy: told.hierarchy, controller: told.controller, path: told.path,
      directory: told.directory)
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Processes in the cgroup itself that see the host's mounts: binding it would judge them. A
  /// runtime passes through on its way in, so that it is looked at again.
  private func hostProcesses(in cgroup: CgroupLocation) -> [Int32] {
    let hosts = host.mountNamespaces
    var seen: [Int32] = []
    for _ in 0..<5 {
      // gone meanwhile: nothing is bound then
      guard let text = try? String(contentsOfFile: cgroup.directory + "/cgroup.procs", encoding: .utf8) else {
        return []
      }
      let processes = text.split(separator: "\n").compactMap { Int32($0) }
      seen = processes.filter { pid in (try? namespace(pid, "mnt")).map(hosts.contains) ?? false }
      if seen.isEmpty { return [] }
      usleep(50_000)
    }
    return seen
  }
}

extension String {
  /// The end of the first path component that is `name`.
  fileprivate func range(ofComponent name: String) -> String.Index? {
    for part in split(separator: "/") where part == name { return part.endIndex }
    return nil
  }
}

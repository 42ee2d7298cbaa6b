// SPDX-License-Identifier: Apache-2.0
import CLinux
import Enforcement
import Foundation
import Policy

/// A process that ran before its container was bound and that the gate would not have let run.
struct ForbiddenProcess: Equatable {
  var pid: Int32
  /// As the container sees it.
  var path: String
}

extension ContainerRegistry {
  /// The gate judges execs; what runs already is told of and left alone, unless the policy says
  /// `kill`: it may be what the operator has just forgotten to list, and it has done what it could.
  func dealWithForbidden(_ record: ContainerRecord, _ ruleSet: RuleSet, _ policy: EffectivePolicy) {
    let forbidden = proc.forbidden(in: record.cgroup, like: record.pid, ruleSet)
    let isKilling = policy.mode == .protect && policy.runningProcesses == .kill
    if isKilling {
      for process in forbidden where !proc.kill(process, in: record.cgroup) {
        log.error(
          "a process that its container's policy wants killed could not be",
          metadata: ["container": "\(record.identity.id)", "pid": "\(process.pid)", "path": "\(process.path)"])
      }
    }
    for process in forbidden.prefix(Self.forbiddenToldMax) {
      log.warning(
        "a process that runs already is not in its container's policy; it is \(isKilling ? "killed" : "not stopped")",
        metadata: [
          "container": "\(record.identity.id)", "name": "\(record.identity.name)",
          "namespace": "\(record.identity.namespace)", "pid": "\(process.pid)", "path": "\(process.path)",
          "reason": "notListed",
        ])
    }
    if forbidden.count > Self.forbiddenToldMax {
      log.warning(
        "further processes that run already are not in their container's policy",
        metadata: [
          "container": "\(record.identity.id)", "processes": "\(forbidden.count - Self.forbiddenToldMax)",
        ])
    }
  }

  /// Told of each container by name; the rest is counted.
  static var forbiddenToldMax: Int { 32 }
}

extension ProcFS {
  /// - Parameter pid: the container's init. Processes in other mount namespaces are left out:
  ///   their paths mean something else, and the gate judges what they execute from now on.
  func forbidden(in cgroup: CgroupLocation, like pid: Int32, _ ruleSet: RuleSet) -> [ForbiddenProcess] {
    guard let mounts = try? namespace(pid, "mnt") else { return [] }
    return Self.processes(below: cgroup.directory).compactMap { pid in
      guard (try? namespace(pid, "mnt")) == mounts, let path = executable(pid), !ruleSet.allows(path) else {
        return nil
      }
      return ForbiddenProcess(pid: pid, path: path)
    }
  }

  /// False when it could not be killed. True when it is gone, or executes something else by now:
  /// that has been judged.
  func kill(_ process: ForbiddenProcess, in cgroup: CgroupLocation) -> Bool {
    let descriptor = hf_open_process(process.pid)
    guard descriptor >= 0 else { return errno == ESRCH }
    defer { close(descriptor) }
    // The descriptor is of whoever had the number when it was opened: is that still the one?
    guard executable(process.pid) == process.path,
      let line = (try? cgroups(process.pid))?.first(where: { $0.hierarchy == cgroup.hierarchy }),
      (line.path + "/").hasPrefix(cgroup.path + "/")
    else { return true }
    return hf_signal_process(descriptor, SIGKILL) == 0 || errno == ESRCH
  }

  private func executable(_ pid: Int32) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes {
      readlink(path(pid, "exe"), $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  /// In a cgroup and those below it, in the order of their ids.
  static func processes(below directory: String) -> [Int32] {
    var processes: Set<Int32> = []
    var folders = [directory]
    while let folder = folders.popLast() {
      if let text = try? String(contentsOfFile: folder + "/cgroup.procs", encoding: .utf8) {
        processes.formUnion(text.split(separator: "\n").compactMap { Int32($0) })
      }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names {
        var status = stat()
        if lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
          folders.append("\(folder)/\(name)")
        }
      }
    }
    return processes.sorted()
  }
}

extension RuleSet {
  /// By its path alone: as a program, as an interpreter, or below a listed directory.
  func allows(_ path: String) -> Bool {
    if let use = self[path], use.contains(.executable) || use.contains(.interpreter) { return true }
    let parts = path.split(separator: "/")
    return parts.indices.dropFirst().contains { end in
      self["/" + parts[..<end].joined(separator: "/")]?.contains(.directory) == true
    }
  }
}

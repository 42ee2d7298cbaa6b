// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What procfs shows of containers whose state is in places that mapd was not told of: the
/// monitors of containerd and of podman and CRI-O say where their containers' bundles are.
extension Discovery {
  /// The first processes of pid namespaces that nothing of the above knows. Not all of them
  /// are containers: sandboxes of browsers look the same.
  mutating func scanProcfs(_ proc: ProcFS, known: Set<Int32>) -> [Int32] {
    let own = try? proc.namespace(getpid(), "pid")
    var unknown: [Int32] = []
    for pid in Self.processes(proc) where !known.contains(pid) && !found.contains(where: { $0.pid == pid }) {
      guard proc.isInit(pid), let namespace = try? proc.namespace(pid, "pid"), namespace != own else { continue }
      if let parent = proc.parent(pid), parent > 1, proc.isHosts(parent, pidNamespace: own) {
        askMonitor(proc, parent, of: pid)
      }
      if !found.contains(where: { $0.pid == pid }) { unknown.append(pid) }
    }
    return unknown
  }

  private mutating func askMonitor(_ proc: ProcFS, _ monitor: Int32, of pid: Int32) {
    let arguments = proc.arguments(monitor)
    func value(_ options: String...) -> String? {
      guard let index = arguments.firstIndex(where: options.contains), index + 1 < arguments.count else { return nil }
      return arguments[index + 1]
    }
    switch (arguments.first.map { ($0 as NSString).lastPathComponent }) ?? "" {
    case "conmon":
      attempt {
        guard let id = value("-c", "--cid"), !id.isEmpty, let bundle = value("-b", "--bundle"),
          let ticks = proc.startTicks(pid)
        else { return }
        let source = proc.path(monitor, "cmdline")
        $0.add(
          FoundContainer(
            id: id, bundle: try Self.bundle(bundle, source), pid: pid, initStartTicks: ticks, owner: 0,
            source: source))
      }
    case let name where name.hasPrefix("containerd-shim"):
      // It works in the bundle of its first container, beside those of the others of its pod.
      guard let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: proc.path(monitor, "cwd"))
      else { return }
      attempt {
        guard let folder = try DiscoveryFolder((bundle as NSString).deletingLastPathComponent) else { return }
        try $0.scanTasks(folder)
      }
    default: return
    }
  }

  private static func processes(_ proc: ProcFS) -> [Int32] {
    ((try? FileManager.default.contentsOfDirectory(atPath: proc.root)) ?? []).compactMap { Int32($0) }.sorted()
  }
}

extension ProcFS {
  /// The first process of a pid namespace other than the host's.
  func isInit(_ pid: Int32) -> Bool {
    guard let text = try? text(pid, "status"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("NSpid:") })
    else { return false }
    let ids = line.split(whereSeparator: { $0 == "\t" || $0 == " " }).dropFirst()
    return ids.count > 1 && ids.last == "1"
  }

  /// Root's, in the host's pid and user namespaces: what it says of itself can be believed.
  func isHosts(_ pid: Int32, pidNamespace: UInt32?) -> Bool {
    var status = stat()
    guard stat("\(root)/\(pid)", &status) == 0, status.st_uid == 0,
      let own = try? namespace(getpid(), "user"), (try? namespace(pid, "user")) == own
    else { return false }
    return pidNamespace != nil && (try? namespace(pid, "pid")) == pidNamespace
  }

  func arguments(_ pid: Int32) -> [String] {
    ((try? text(pid, "cmdline")) ?? "").split(separator: "\0").map(String.init)
  }
}

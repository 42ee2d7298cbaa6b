// SPDX-License-Identifier: Apache-2.0
import Foundation
import Shared

extension ContainerRegistry {
  /// What was found at a start of mapd.
  public struct DiscoverySummary: Equatable, Sendable {
    /// Known before, from the records.
    public var known = 0
    public var bound = 0
    /// No policy is for them.
    public var unmanaged = 0
    /// Run outside of their policy, or it cannot be told.
    public var failed = 0
  }

  /// Admits the containers that run already and that no hook told of. Call it after ``adopt()``:
  /// what the records know stays as it is.
  @discardableResult
  public func discover(_ roots: DiscoveryRoots) -> DiscoverySummary {
    var discovery = Discovery(roots)
    discovery.scan()
    let unknown = discovery.scanProcfs(proc, known: Set(records.values.map(\.pid)))
    for problem in discovery.problems {
      log.warning("a part of the runtimes' state cannot be used", metadata: ["reason": "\(problem)"])
    }
    var summary = DiscoverySummary()
    for found in discovery.found { admit(found, &summary) }
    tellOfUnknown(unknown)
    log.info(
      "containers found running",
      metadata: [
        "known": "\(summary.known)", "bound": "\(summary.bound)", "unmanaged": "\(summary.unmanaged)",
        "failed": "\(summary.failed)",
      ])
    return summary
  }

  private func admit(_ found: FoundContainer, _ summary: inout DiscoverySummary) {
    let ticks: UInt64
    switch proc.check(found) {
    case .running(let startTicks): ticks = startTicks
    case .starting: return
    case .ended(let reason):
      log.debug("not running", metadata: ["container": "\(found.id)", "reason": "\(reason)"])
      return
    case .disbelieved(let reason):
      log.warning(
        "a state that claims another's process is not believed",
        metadata: ["container": "\(found.id)", "source": "\(found.source)", "reason": "\(reason)"])
      return
    }
    // By whatever name it is known: a process is in one container.
    if records.values.contains(where: { $0.pid == found.pid && $0.initStartTicks == ticks }) {
      summary.known += 1
      return
    }
    do throws(AdmissionError) {
      try admit(found, startTicks: ticks, &summary)
    } catch {
      summary.failed += 1
      log.critical(
        "a container that runs already could not be admitted: it runs WITHOUT PROTECTION",
        metadata: ["container": "\(found.id)", "source": "\(found.source)", "reason": "\(error)"])
    }
  }

  private func admit(
    _ found: FoundContainer, startTicks: UInt64, _ summary: inout DiscoverySummary
  ) throws(AdmissionError) {
    if let other = records[found.id], proc.startTicks(other.pid) == other.initStartTicks {
      throw AdmissionError(
        .invalid,
        "the id \(found.id) is that of a running container of bundle \(other.bundle); start one of them with another id"
      )
    }
    try checkOwner(of: found)
    let config = try BundleConfig.read(bundle: found.bundle)
    guard !proc.isBeforePivot(found.pid, rootPath: config.rootPath(bundle: found.bundle)) else { return }
    let cgroup = try proc.runningCgroup(of: found, cgroupsPath: config.linux?.cgroupsPath)
    let request = HookRequest(
      phase: .poststart, status: .running, pid: found.pid, id: Array(found.id.utf8), bundle: Array(found.bundle.utf8))
    let answer = admit(
      request, id: found.id, caller: proc.parent(found.pid), isRunning: true, knownCgroup: cgroup)
    // Its number may have become another process's since it was checked.
    guard let record = records[found.id], record.initStartTicks == startTicks else {
      if answer.outcome == .bound || answer.outcome == .unmanaged { remove(found.id) }
      throw AdmissionError(
        .invalid, answer.reason.isEmpty ? "it ended meanwhile" : String(decoding: answer.reason, as: UTF8.self))
    }
    if answer.outcome == .bound { summary.bound += 1 } else { summary.unmanaged += 1 }
  }

  /// A user's state may not name another's bundle.
  private func checkOwner(of found: FoundContainer) throws(AdmissionError) {
    guard found.owner != 0 else { return }
    var status = stat()
    guard stat(found.bundle + "/config.json", &status) == 0 else {
      throw .current(.invalid, "look at \(found.bundle)/config.json")
    }
    guard status.st_uid == found.owner else {
      throw AdmissionError(
        .invalid, "\(found.bundle)/config.json belongs to user \(status.st_uid), not to \(found.owner)")
    }
  }

  /// Nobody can tell whose they are, so that no policy can be for them.
  private func tellOfUnknown(_ pids: [Int32]) {
    let groups = records.values.map(\.cgroup)
    let strangers = pids.filter { pid in
      guard let lines = try? proc.cgroups(pid) else { return false }
      // Containers in containers belong to the outer one.
      return !groups.contains { group in
        lines.contains { $0.hierarchy == group.hierarchy && ($0.path + "/").hasPrefix(group.path + "/") }
      }
    }
    guard !strangers.isEmpty else { return }
    log.notice(
      "pid namespaces that no runtime's state tells of; name the --root of their runtime as --oci-root",
      metadata: [
        "processes": "\(strangers.prefix(16).map(String.init).joined(separator: ","))", "count": "\(strangers.count)",
      ])
  }
}

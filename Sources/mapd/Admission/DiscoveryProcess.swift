// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Whether a process is the one that a runtime's state tells of.
enum DiscoveredProcess: Equatable {
  case running(startTicks: UInt64)
  /// Nothing to bind: it has ended, or its number is another process's by now.
  case ended(String)
  /// Its own hook will tell of it, or has.
  case starting
  /// The state claims a process that it has no right to.
  case disbelieved(String)
}

extension ProcFS {
  /// Wall clocks are set: this much between a start computed from it and a file's time
  /// proves nothing. In seconds.
  private static var clockSlack: Int64 { 2 }

  func check(_ found: FoundContainer) -> DiscoveredProcess {
    guard let status = status(found.pid), status.state != UInt8(ascii: "Z") else {
      return .ended("process \(found.pid) is gone")
    }
    let ticks = status.startTicks
    if let told = found.initStartTicks {
      guard ticks == told else { return .ended("process \(found.pid) is another one by now") }
    } else if let written = found.written, started(ticks) > written + Self.clockSlack, !cgroupNames(found) {
      return .ended("process \(found.pid) started after \(found.source) was written")
    }
    guard found.owner == 0 || ownerOfUserNamespace(found.pid) == found.owner else {
      return .disbelieved("process \(found.pid) is not in a user namespace of user \(found.owner)")
    }
    return .running(startTicks: ticks)
  }

  /// Its init has not yet changed to the container's root.
  func isBeforePivot(_ pid: Int32, rootPath: String?) -> Bool {
    hasHostRoot(pid, rootPath: rootPath) == true
  }

  /// Its init has changed to the container's root: the workload runs, or is about to.
  /// - Parameter caller: the process that runs the hook: its root is the runtime's.
  func isPastPivot(_ pid: Int32, rootPath: String?, caller: Int32?) -> Bool {
    hasHostRoot(pid, rootPath: rootPath, caller: caller) == false
  }

  /// The host's root is the first process's and the runtime's; mapd's own is another one where mapd is
  /// in a container. nil: it cannot be told.
  private func hasHostRoot(_ pid: Int32, rootPath: String?, caller: Int32? = nil) -> Bool? {
    guard let rootPath, rootPath != "/", let own = FileID(path(pid, "root/")) else { return nil }
    if host.roots.contains(own) { return true }
    let callers = caller.flatMap { FileID(path($0, "root/")) }
    return host.roots.isEmpty && callers == nil ? nil : callers == own
  }

  /// Seconds since 1970 at which a process started.
  private func started(_ ticks: UInt64) -> Int64 {
    var boot = timespec()
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &boot)
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) - (Int64(boot.tv_sec) - Int64(clamping: ticks) / 100)
  }

  /// A cgroup that the engine named after the container: no later process is in it by chance.
  private func cgroupNames(_ found: FoundContainer) -> Bool {
    found.id.utf8.count >= 12
      && ((try? cgroups(found.pid)) ?? []).contains { line in
        line.path.split(separator: "/").contains { $0.contains(found.id) }
      }
  }

  /// nil: it cannot be told.
  private func ownerOfUserNamespace(_ pid: Int32) -> uid_t? {
    let descriptor = open(path(pid, "ns/user"), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var owner: uid_t = 0
    return hf_owner_of_user_namespace(descriptor, &owner) == 0 ? owner : nil
  }
}

// SPDX-License-Identifier: Apache-2.0
import Enforcement

/// How far a report of the kernel was counted when it was last written down: what the kernel has
/// beyond that is new, also for the next mapd.
public struct SeenReport: Codable, Sendable {
  var cgroup: UInt64
  var hierarchy: UInt32
  var path: [UInt64]
  var reason: UInt32
  var verdict: UInt32
  public var count: UInt64

  public init(_ key: ReportKey, _ count: UInt64) {
    cgroup = key.cgroup.id
    hierarchy = key.cgroup.hierarchy
    path = key.path
    reason = key.reason
    verdict = key.verdict
    self.count = count
  }

  public var key: ReportKey {
    ReportKey(cgroup: CgroupKey(id: cgroup, hierarchy: hierarchy), path: path, reason: reason, verdict: verdict)
  }
}

public enum Boot {
  /// The machine's run: the kernel's counts begin anew with each.
  public static var id: String? {
    ((try? StateFile.read("/proc/sys/kernel/random/boot_id")) ?? nil).map { String(decoding: $0, as: UTF8.self) }
  }
}

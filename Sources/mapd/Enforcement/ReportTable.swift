// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract

/// Map `reports`: how often each violation happened, counted in the kernel.
public final class ReportTable: @unchecked Sendable {
  private let map: BPFMap<hf_report_key, hf_report>

  init(_ map: BPFMap<hf_report_key, hf_report>) { self.map = map }

  public var maximum: Int { map.maximum }

  /// Every report and its count so far.
  public func counts() -> [(ReportKey, UInt64)] {
    var counts: [ReportKey: UInt64] = [:]
    for var key in map.keys() {
      guard let report = map[key] else { continue }
      key.verdict &= ~carried
      counts[ReportKey(key), default: 0] += report.count
    }
    return counts.map { ($0.key, $0.value) }
  }

  /// How often so far; 0 for one that is not counted (the map was full).
  public func count(_ key: ReportKey) -> UInt64 {
    var contract = hf_report_key(
      binding: key.cgroup.contract, path: (key.path[0], key.path[1]), reason: key.reason, verdict: key.verdict)
    let count = map[contract]?.count ?? 0
    contract.verdict |= carried
    return count + (map[contract]?.count ?? 0)
  }

  /// Forgets the reports of containers that are gone. What was not read of them is lost.
  public func remove(_ cgroups: Set<CgroupKey>) {
    guard !cgroups.isEmpty else { return }
    for key in map.keys() where cgroups.contains(CgroupKey(key.binding)) { map.remove(key) }
  }
}

private let carried: UInt32 = 1 << 31  // HF_REPORT_CARRIED

extension ReportKey {
  init(_ key: hf_report_key) {
    self.init(
      cgroup: CgroupKey(key.binding), path: [key.path.0, key.path.1], reason: key.reason, verdict: key.verdict)
  }
}

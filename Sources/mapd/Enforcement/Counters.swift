// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc

/// Map `counters`: exact, counted in the kernel whether or not mapd runs.
public final class Counters: @unchecked Sendable {
  private let descriptor: Int32
  private let processors: Int

  init(descriptor: Int32) {
    self.descriptor = descriptor
    processors = max(1, Int(libbpf_num_possible_cpus()))
  }

  deinit { close(descriptor) }

  /// The sum over all processors.
  public subscript(index: UInt32) -> UInt64 {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: processors) { values in
      var index = index
      guard bpf_map_lookup_elem(descriptor, &index, values.baseAddress) == 0 else { return 0 }
      return values.reduce(0, &+)
    }
  }

  public static var count: UInt32 { HF_COUNTER_COUNT.rawValue }
  public var eventsLost: UInt64 { self[HF_COUNTER_EVENTS_LOST.rawValue] }
}

/// Map `reports`: how often each violation happened, counted in the kernel.
public final class ReportTable: @unchecked Sendable {
  private let map: BPFMap<hf_report_key, hf_report>

  init(_ map: BPFMap<hf_report_key, hf_report>) { self.map = map }

  public var maximum: Int { map.maximum }

  /// Every report and its count so far.
  public func counts() -> [(ReportKey, UInt64)] {
    map.keys().compactMap { key in map[key].map { (ReportKey(key), $0.count) } }
  }

  /// How often so far; 0 for one that is not counted (the map was full).
  public func count(_ key: ReportKey) -> UInt64 {
    let contract = hf_report_key(
      binding: key.cgroup.contract, path: (key.path[0], key.path[1]), reason: key.reason, verdict: key.verdict)
    return map[contract]?.count ?? 0
  }

  /// Forgets the reports of a container that is gone.
  public func remove(_ cgroup: CgroupKey) {
    for key in map.keys() where CgroupKey(key.binding) == cgroup { map.remove(key) }
  }
}

extension ReportKey {
  init(_ key: hf_report_key) {
    self.init(
      cgroup: CgroupKey(key.binding), path: [key.path.0, key.path.1], reason: key.reason, verdict: key.verdict)
  }
}

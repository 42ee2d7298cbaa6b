// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc
import Synchronization

/// Map `counters`: exact, counted in the kernel whether or not mapd runs.
public final class Counters: @unchecked Sendable {
  private let descriptor: Int32
  private let processors: Int
  private let slots: UInt32

  /// Owns `descriptor` from here on.
  init(descriptor: Int32, slots: UInt32 = UInt32(HF_COUNTERS_SLOTS)) {
    self.descriptor = descriptor
    self.slots = slots
    processors = max(1, Int(libbpf_num_possible_cpus()))
  }

  deinit { close(descriptor) }

  /// The sum over all processors, and what gates of other layouts have counted before.
  public subscript(index: UInt32) -> UInt64 {
    let carried = index + UInt32(HF_COUNTERS_CARRIED)
    return sum(index) &+ (carried < slots ? sum(carried) : 0)
  }

  /// Sets what a gate before has counted, unless more is known already.
  func carry(_ value: UInt64, for index: UInt32) throws(EnforcementError) {
    var slot = index + UInt32(HF_COUNTERS_CARRIED)
    guard value > sum(slot) else { return }
    FaultPoint.pass("a counter is carried over")
    var values = [UInt64](repeating: 0, count: processors)
    values[0] = value
    guard bpf_map_update_elem(descriptor, &slot, &values, UInt64(BPF_ANY)) == 0 else {
      throw .current("write map counters while it is carried over")
    }
  }

  private func sum(_ index: UInt32) -> UInt64 {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: processors) { values in
      var index = index
      guard bpf_map_lookup_elem(descriptor, &index, values.baseAddress) == 0 else { return 0 }
      return values.reduce(0, &+)
    }
  }

  public static var count: UInt32 { HF_COUNTER_COUNT.rawValue }
  public var eventsLost: UInt64 { self[HF_COUNTER_EVENTS_LOST.rawValue] }
}

// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// What the kernel counts of an attached program.
public struct ProgramUse: Sendable, Equatable {
  /// At most 15 bytes.
  public var name: String
  /// Counted while kernel.bpf_stats_enabled is 1.
  public var runs: UInt64
  public var nanoseconds: UInt64
  /// Execs that the kernel did not give to the program because it was running already on that
  /// processor. 0 before Linux 5.12, which does not count them.
  public var recursionMisses: UInt64

  /// Are runs counted now?
  public static var areRunsCounted: Bool { smallFile("/proc/sys/kernel/bpf_stats_enabled")?.first == "1" }
}

extension PinnedLink {
  func use() -> ProgramUse? {
    guard let program = program() else { return nil }
    defer { close(program) }
    var info = bpf_prog_info()
    var size = UInt32(MemoryLayout<bpf_prog_info>.size)
    guard bpf_obj_get_info_by_fd(program, &info, &size) == 0 else { return nil }
    let name = withUnsafeBytes(of: info.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return ProgramUse(
      name: name, runs: info.run_cnt, nanoseconds: info.run_time_ns, recursionMisses: info.recursion_misses)
  }
}

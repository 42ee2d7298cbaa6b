// SPDX-License-Identifier: Apache-2.0
import Contract

/// One record of the ring buffer.
public struct GateEvent: Sendable {
  public var cgroup: CgroupKey
  public var binding: UInt32
  public var key: ReportKey
  public var ruleSet: UInt32
  public var generation: UInt32
  public var mode: UInt32
  public var attach: UInt32
  public var pid: UInt32
  public var ppid: UInt32
  public var uid: UInt32
  /// CLOCK_MONOTONIC, nanoseconds.
  public var time: UInt64
  public var comm: [UInt8]
  /// As the gate walked it, from the root of the mount namespace. Any bytes but NUL.
  public var path: [UInt8]
  /// False when the path was too long for a record; the key is of all of it.
  public var hasWholePath: Bool
  public var isInterpreter: Bool
  /// For those who trace the container.
  public var isTrace: Bool
  /// An occurrence that is worth telling; else it is for those who trace alone.
  public var isReport: Bool

  /// nil for a record that is not whole: the gate and mapd are not of one layout.
  public init?(_ record: UnsafeRawBufferPointer) {
    let head = MemoryLayout<hf_event>.size
    guard record.count >= head else { return nil }
    let event = record.loadUnaligned(as: hf_event.self)
    guard record.count >= head + Int(event.path_len) else { return nil }
    cgroup = CgroupKey(event.binding)
    binding = event.binding_id
    key = ReportKey(
      cgroup: cgroup, path: [event.path.0, event.path.1], reason: event.reason, verdict: event.verdict)
    ruleSet = event.rule_set
    generation = event.generation
    mode = event.mode
    attach = event.attach
    pid = event.pid
    ppid = event.ppid
    uid = event.uid
    time = event.time_ns
    comm = withUnsafeBytes(of: event.comm) { $0.prefix { $0 != 0 }.map { $0 } }
    hasWholePath = event.flags & HF_EVENT_PATH_CUT == 0
    isInterpreter = event.flags & HF_EVENT_INTERPRETER != 0
    isTrace = event.flags & HF_EVENT_TRACE != 0
    isReport = event.flags & HF_EVENT_NO_REPORT == 0
    let names = record[head..<head + Int(event.path_len)].split(separator: 0, omittingEmptySubsequences: true)
    // leaf first in the record
    path = names.reversed().flatMap { [UInt8(ascii: "/")] + $0 }
    if event.flags & HF_EVENT_PATH_CUT != 0 { path = Array("/...".utf8) + path }
    if path.isEmpty { path = [UInt8(ascii: "/")] }
  }
}

/// What repeats are counted under: the same executable for the same reason.
public struct ReportKey: Hashable, Codable, Sendable {
  public var cgroup: CgroupKey
  public var path: [UInt64]
  public var reason: UInt32
  public var verdict: UInt32

  public init(cgroup: CgroupKey, path: [UInt64], reason: UInt32, verdict: UInt32) {
    self.cgroup = cgroup
    self.path = path
    self.reason = reason
    self.verdict = verdict
  }
}

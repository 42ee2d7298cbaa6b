// SPDX-License-Identifier: Apache-2.0
import Contract

/// Where the gate hangs, best first.
public enum AttachPoint: String, CaseIterable, Sendable {
  /// BPF LSM: every level of an exec, the workload sees EPERM. Never skipped.
  case lsm
  /// The same function where `bpf` is not in the LSM list, with the tracepoint behind it.
  case fmodRet = "fmod_ret"
  /// The tracepoint after the exec: SIGKILL before the first instruction. Scripts are not seen.
  case kill

  public var code: UInt32 {
    switch self {
    case .lsm: HF_ATTACH_LSM.rawValue
    case .fmodRet: HF_ATTACH_FMOD_RET.rawValue
    case .kill: HF_ATTACH_KILL.rawValue
    }
  }

  /// Programs of the object that are attached for it, each pinned as `link_<program>`.
  var programs: [String] {
    switch self {
    case .lsm: ["gate_lsm"]
    // The kernel skips a fmod_ret program that it has preempted on the same CPU.
    case .fmodRet: ["gate_fmod_ret", "gate_backstop"]
    case .kill: ["gate_kill"]
    }
  }

  static let allPrograms = Set(allCases.flatMap(\.programs))

  /// What is weaker than with BPF LSM, for status and log.
  public var degraded: String? {
    switch self {
    case .lsm, .fmodRet: nil
    case .kill:
      "refused execs are killed after the exec instead of failing with EPERM, and listed scripts "
        + "run only when their interpreter is listed too"
    }
  }
}

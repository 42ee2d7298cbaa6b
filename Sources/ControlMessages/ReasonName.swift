// SPDX-License-Identifier: Apache-2.0

/// Why the gate did not simply allow an exec: `enum hf_reason` of bpf/contract.h by name, with the
/// number as the order of the cases. Every one but `listed` is refused in mode protect.
public enum ReasonName: String, Codable, Hashable, Sendable, CaseIterable {
  case listed, notListed, interpreterNotListed, scriptUnseen, foreignMountNamespace, foreignRoot
  case foreignMount, laterMount, anonymousFile, writableLayer, changedFile, pathTooDeep
  case pathUnreachable, foreignCgroup, ruleSetMissing, unreadable, layerUnknown

  /// HF_REASON_*.
  public var code: UInt32 { UInt32(Self.allCases.firstIndex(of: self)!) }

  /// nil for a number that this release does not know.
  public init?(code: UInt32) {
    guard code < UInt32(Self.allCases.count) else { return nil }
    self = Self.allCases[Int(code)]
  }

  /// For a number of a newer gate: still a name, so that no event is dropped.
  public static func name(code: UInt32) -> String {
    ReasonName(code: code)?.rawValue ?? "reason\(code)"
  }

  /// One sentence without a full stop.
  public var explanation: String {
    switch self {
    case .listed: "the policy lists the executable"
    case .notListed: "no policy lists the executable for this container"
    case .interpreterNotListed: "the script is listed, its interpreter is not"
    case .scriptUnseen: "an interpreter ran a script that this attach point cannot see"
    case .foreignMountNamespace: "the process has left the mount namespace of its container"
    case .foreignRoot: "the root of the file system is not the container's"
    case .foreignMount: "the file is on a mount that does not belong to the container"
    case .laterMount: "the file is on a mount that was made after the container started"
    case .anonymousFile: "the file has no name: it is in memory only, or was deleted"
    case .writableLayer: "the file was written after the image was built"
    case .changedFile: "the file was changed after the container started"
    case .pathTooDeep: "the path has more components than the gate follows"
    case .pathUnreachable: "the file has been moved out of reach of its mount's root"
    case .foreignCgroup: "the process has left the cgroup of its container"
    case .ruleSetMissing: "the gate has no rule set for the container"
    case .unreadable: "the gate could not read what it needs to judge"
    case .layerUnknown: "the gate could not tell whether the file is from the image"
    }
  }

  /// What an operator can do when the exec is wanted. One sentence without a full stop.
  public var remedy: String {
    switch self {
    case .listed: "nothing is to be done"
    case .notListed: "add the path to executables.allowed"
    case .interpreterNotListed: "list the interpreter, or set interpreters: implied"
    case .scriptUnseen: "list the interpreter, or use a kernel with BPF LSM"
    case .foreignMountNamespace, .foreignRoot: "add nestedNamespaces to allow"
    case .foreignMount, .laterMount: "add laterMounts to allow"
    case .anonymousFile: "add anonymousFiles to allow"
    case .writableLayer, .changedFile:
      "build the file into the image, or add writableLayer to allow"
    case .pathTooDeep: "move the executable nearer to the root"
    case .pathUnreachable: "start the executable from where the container can see it"
    case .foreignCgroup: "find out who moved the process; no switch allows this"
    case .ruleSetMissing: "look at mapd's log and at mapctl status"
    case .unreadable: "report it with the kernel release that mapctl status shows"
    case .layerUnknown: "add writableLayer to allow, or use another storage driver"
    }
  }
}

/// `enum hf_verdict` by name.
public enum VerdictName: String, Codable, Hashable, Sendable, CaseIterable {
  case allow, report, refuse, learn

  /// HF_VERDICT_*.
  public var code: UInt32 { UInt32(Self.allCases.firstIndex(of: self)!) }

  public static func name(code: UInt32) -> String {
    code < UInt32(allCases.count) ? allCases[Int(code)].rawValue : "verdict\(code)"
  }
}

/// `enum hf_mode` by name.
public enum ModeName: String, Codable, Hashable, Sendable, CaseIterable {
  case off, learn, monitor, protect

  /// HF_MODE_*.
  public var code: UInt32 { UInt32(Self.allCases.firstIndex(of: self)!) }

  public static func name(code: UInt32) -> String {
    code < UInt32(allCases.count) ? allCases[Int(code)].rawValue : "mode\(code)"
  }
}

/// `enum hf_attach` by name.
public enum AttachName: String, Codable, Hashable, Sendable, CaseIterable {
  case none, lsm
  case fmodRet = "fmod_ret"
  case kill
  /// The tracepoint behind `fmod_ret`: speaks up only to refuse.
  case backstop

  public static func name(code: UInt32) -> String {
    code < UInt32(allCases.count) ? allCases[Int(code)].rawValue : "attach\(code)"
  }
}

/// `enum hf_counter` by name, then one counter for each reason.
public enum CounterName {
  public static let names = [
    "unbound", "runtime", "off", "allowed", "reported", "refused", "learned", "eventsLost",
    "reportsFull", "sealed", "killFailed", "tracesLost",
  ]
  /// HF_COUNTER_REASON_BASE.
  public static let reasonBase = 16

  /// nil for a number without meaning in this release.
  public static func name(index: Int) -> String? {
    if names.indices.contains(index) { return names[index] }
    guard index >= reasonBase, let reason = ReasonName(code: UInt32(index - reasonBase)) else {
      return nil
    }
    return "reason." + reason.rawValue
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What a command is going to do, in its order. Made without changing anything, so that
/// `--dry-run` shows the very same.
struct HookPlan {
  enum Step: Equatable {
    case write(path: String, bytes: [UInt8], mode: UInt32)
    case remove(path: String)
  }

  private(set) var steps: [Step] = []
  /// Paths that are already as they should be.
  private(set) var unchanged: [String] = []
  /// What is left to the operator.
  var notes: [String] = []

  /// Only when the file is not so already.
  mutating func write(_ path: String, _ bytes: [UInt8], mode: UInt32) throws {
    if try HostFile.read(path) == bytes, HostFile.mode(path) == mode {
      unchanged.append(path)
    } else {
      steps.append(.write(path: path, bytes: bytes, mode: mode))
    }
  }

  mutating func remove(_ path: String) {
    if HostFile.exists(path) { steps.append(.remove(path: path)) }
  }

  /// Each step is atomic; one that fails leaves those before it, which are safe by their order.
  func carryOut() throws {
    for step in steps {
      switch step {
      case .write(let path, let bytes, let mode): try HostFile.replace(path, bytes, mode: mode)
      case .remove(let path): try HostFile.remove(path)
      }
    }
  }

  func text(isDryRun: Bool) -> String {
    var lines = steps.map { step in
      switch step {
      case .write(let path, let bytes, _): (isDryRun ? "would write " : "wrote ") + "\(path) (\(bytes.count) bytes)"
      case .remove(let path): (isDryRun ? "would remove " : "removed ") + path
      }
    }
    lines += unchanged.map { "unchanged \($0)" }
    if lines.isEmpty { lines = ["nothing to do"] }
    let text = (lines + notes).joined(separator: "\n")
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { printable(String($0)) + "\n" }.joined()
  }
}

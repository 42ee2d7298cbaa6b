// SPDX-License-Identifier: Apache-2.0
import CBPF
import Synchronization

/// libbpf's own words about the last failure, kept for the error that follows.
/// A C callback must be a function of its own, and may be called on any thread.
enum LibbpfLog {
  private static let lines = Mutex<[String]>([])
  private static let kept = 40

  static func install() {
    libbpf_set_print(printToHoldfastLog)
  }

  static func append(_ line: String) {
    lines.withLock {
      $0.append(line)
      if $0.count > kept { $0.removeFirst() }
    }
  }

  /// The lines since the last call.
  static func take() -> [String] {
    lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
  }
}

private func printToHoldfastLog(
  _ level: libbpf_print_level, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer?
) -> Int32 {
  guard level != LIBBPF_DEBUG, let format, let arguments else { return 0 }
  let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { buffer in
    let count = hf_vformat(buffer.baseAddress, buffer.count, format, arguments)
    return count > 0 ? String(cString: buffer.baseAddress!) : ""
  }
  LibbpfLog.append(text.trimmingSuffix { $0.isNewline })
  return 0
}

extension String {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
    var view = self[...]
    while let last = view.last, predicate(last) { view.removeLast() }
    return String(view)
  }
}

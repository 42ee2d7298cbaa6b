// SPDX-License-Identifier: Apache-2.0
import Foundation

/// /proc/net/unix: who listens, found out without connecting, which would start a service.
enum UnixSocketTable {
  static func isListening(_ path: String, table: String? = nil) -> Bool {
    let text = table ?? (try? String(contentsOfFile: "/proc/net/unix", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").contains { line in
      // Num RefCount Protocol Flags Type St Inode Path
      let fields = line.split(separator: " ", maxSplits: 7)
      // __SO_ACCEPTCON
      return fields.count == 8 && fields[3] == "00010000" && fields[7] == path[...]
    }
  }
}

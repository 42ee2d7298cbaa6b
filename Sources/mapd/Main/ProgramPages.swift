// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import ServiceLifecycle

/// Most of the code that a start runs through is not run again. When it is over its pages are unmapped, so
/// that the kernel can give them to others before anything that is in use; what is run again after all comes
/// from the page cache, a page fault each. What the start has allocated and freed goes back to the kernel, too.
struct ProgramPages: Service {
  /// By then what starts has started.
  static let delay = Duration.seconds(2)

  func run() async throws {
    try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.delay) }
    Self.letGo()
    try? await gracefulShutdown()
  }

  static func letGo() {
    malloc_trim(0)
    guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return }
    for range in code(in: maps) {
      madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
    }
  }

  /// Executable and not writable, private, of a file: its pages are as in the file. No others may be let go.
  static func code(in maps: String) -> [Range<UInt>] {
    maps.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 6, fields[1] == "r-xp", fields[5].first == "/" else { return nil }
      let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      return bounds.count == 2 && bounds[0] < bounds[1] ? bounds[0]..<bounds[1] : nil
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement
import Foundation

/// What has been told of each report, in a file that outlives mapd but not the machine's run,
/// as the counts in the maps do. Lines are appended; what cannot be written is not known to
/// the next mapd, which then tells the count without its path.
final class ReportMemory {
  struct Entry: Codable, Equatable {
    var key: ReportKey
    var event: ViolationEvent
  }

  /// Lines beyond those that are needed, before the file is written anew.
  static let slack = 8192

  private let path: String
  private var descriptor: Int32 = -1
  private var lines = 0

  init(path: String) {
    self.path = path
    open()
  }

  deinit { close(descriptor) }

  /// In the order in which they were told; a report may be there more than once. A line that
  /// is not whole, the last of a mapd that was killed, is passed over.
  func load() -> [Entry] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    // What is appended now must not become the rest of a line that was cut off.
    if data.last != UInt8(ascii: "\n") { writeWhole([UInt8(ascii: "\n")], to: descriptor) }
    let all = data.split(separator: UInt8(ascii: "\n"))
    lines = all.count
    return all.compactMap { try? JSONDecoder().decode(Entry.self, from: $0) }
  }

  func append(_ entry: Entry) {
    guard descriptor >= 0, let line = try? ControlCoding.line(entry) else { return }
    writeWhole(line, to: descriptor)
    lines += 1
  }

  /// Keeps the file from growing: the last of each report stays.
  func compact(_ known: [ReportKey: ViolationEvent]) {
    guard lines > known.count + Self.slack else { return }
    let entries = known.map { Entry(key: $0.key, event: $0.value) }.sorted { $0.event.time < $1.event.time }
    let bytes = entries.compactMap { try? ControlCoding.line($0) }.flatMap { $0 }
    // Tried again at the next call, should the disk be full.
    guard (try? Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)) != nil else { return }
    close(descriptor)
    open()
    lines = entries.count
  }

  private func open() {
    descriptor = Foundation.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
  }
}

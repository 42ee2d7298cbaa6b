// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc

/// Tells of each change in a directory at once, by inotify; of one that is not there when it
/// comes, within a second. Where the kernel gives no inotify instance, every second.
final class DirectoryWatch: @unchecked Sendable {
  // Not IN_MODIFY, and IN_CREATE for links only: half a file could be read as a shorter policy.
  private static let events = UInt32(
    IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

  private let path: String
  private let changed: @Sendable () -> Void
  private let descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
  private let readable: (any DispatchSourceRead)?
  private let timer: any DispatchSourceTimer
  /// On the queue only. Negative: the directory is not there.
  private var watch: Int32 = -1

  /// - Parameter changed: called on a queue of its own, for the first time when the directory is watched.
  init(path: String, changed: @escaping @Sendable () -> Void) {
    self.path = path
    self.changed = changed
    let queue = DispatchQueue(label: "policies")
    readable = descriptor < 0 ? nil : DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now(), repeating: .seconds(1), leeway: .milliseconds(100))
    timer.setEventHandler { [weak self] in self?.look() }
    readable?.setEventHandler { [weak self] in self?.take() }
    readable?.setCancelHandler { [descriptor] in close(descriptor) }
    readable?.activate()
    timer.activate()
  }

  func cancel() {
    timer.cancel()
    readable?.cancel()
  }

  private func look() {
    guard descriptor >= 0 else { return changed() }
    guard watch < 0 else { return }
    watch = inotify_add_watch(descriptor, path, Self.events)
    if watch >= 0 { changed() }
  }

  private func take() {
    var buffer = [UInt8](repeating: 0, count: 16384)
    var isChanged = false
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
      for event in Self.events(in: buffer[..<count]) {
        if event.mask & Self.lossMask != 0 { watch = -1 }
        isChanged = isChanged || event.mask & UInt32(IN_CREATE) == 0 || isLink(event.name)
      }
    }
    if isChanged { changed() }
    // Another directory may be at the path already.
    look()
  }

  /// The directory itself went away: IN_DELETE_SELF, IN_MOVE_SELF, IN_IGNORED.
  private static let lossMask = UInt32(IN_DELETE_SELF | IN_MOVE_SELF | 0x8000)

  /// What is whole as soon as it is there: a symbolic link, as ConfigMaps are mounted, or a hard one.
  private func isLink(_ name: String) -> Bool {
    var status = stat()
    guard lstat("\(path)/\(name)", &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFLNK || status.st_nlink > 1
  }

  /// By inotify(7): a watch, a mask, a cookie, the length of the name, and the name with its padding.
  private static func events(in records: ArraySlice<UInt8>) -> [(mask: UInt32, name: String)] {
    records.withUnsafeBytes { bytes in
      var found: [(mask: UInt32, name: String)] = []
      var offset = 0
      while offset + 16 <= bytes.count {
        let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
        let name = bytes[(offset + 16)..<min(offset + 16 + length, bytes.count)].prefix { $0 != 0 }
        found.append(
          (bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self), String(decoding: name, as: UTF8.self)))
        offset += 16 + length
      }
      return found
    }
  }
}

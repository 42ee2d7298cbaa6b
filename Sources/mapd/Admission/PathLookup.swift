// SPDX-License-Identifier: Apache-2.0

/// What a path leads to in a container.
struct LookedUp: Codable, Sendable, Equatable {
  /// After all symbolic links, from the container's root.
  var path: String
  var isDirectory: Bool
  /// The `#!` line's interpreter, when it is a script.
  var interpreter: String?
}

protocol PathLookup {
  /// nil when nothing is there, or it cannot be told where it is.
  func resolve(_ path: String) -> LookedUp?
}

/// Looks up in a container's files once, before its workload can change them, and keeps what
/// it saw: links that the workload makes later must not widen its rules.
final class RecordingLookup: PathLookup {
  private let root: any PathLookup
  private(set) var record = LookupRecord()

  init(_ root: any PathLookup) {
    self.root = root
    // So that a path listed while the container runs finds its way in a merged-/usr image.
    for folder in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr/sbin", "/usr/lib64", "/var/run"] {
      _ = resolve(folder)
    }
  }

  func resolve(_ path: String) -> LookedUp? {
    let found = root.resolve(path)
    if let found { record.add(path, found) }
    return found
  }
}

/// What was seen at the start, on disk with the container's record.
struct LookupRecord: Codable, Sendable, PathLookup {
  struct Entry: Codable, Sendable {
    var listed: PathBytes
    var found: LookedUp
  }

  private(set) var entries: [Entry] = []

  mutating func add(_ path: String, _ found: LookedUp) {
    let listed = PathBytes(path)
    guard !entries.contains(where: { $0.listed == listed }) else { return }
    entries.append(Entry(listed: listed, found: found))
  }

  /// As seen; a path that was not looked up then is taken as it is written, but for links
  /// of the image's own directories.
  func resolve(_ path: String) -> LookedUp? {
    let bytes = Array(path.utf8)
    if let entry = entries.first(where: { $0.listed.bytes == bytes }) { return entry.found }
    let folder = entries.filter { $0.found.isDirectory && bytes.starts(with: $0.listed.bytes + [UInt8(ascii: "/")]) }
      .max { $0.listed.bytes.count < $1.listed.bytes.count }
    guard let folder else { return nil }
    let rest = String(decoding: bytes.dropFirst(folder.listed.bytes.count), as: UTF8.self)
    return LookedUp(path: folder.found.path + rest, isDirectory: false, interpreter: nil)
  }
}

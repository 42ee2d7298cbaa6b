// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A folder of a runtime's state, read without trusting what lies in it: no symbolic link is
/// followed, only plain files of modest size are read, and all must belong to `owner` or root.
/// Otherwise whoever can write there could pass off one container as another.
final class DiscoveryFolder {
  let path: String
  let owner: uid_t
  private let descriptor: Int32

  /// Larger files are refused: no runtime writes such a state.
  static let bytesMax = 4 << 20
  /// More entries of one folder are not looked at, and that is said.
  static let entriesMax = 16384

  /// The folder that mapd was told of; its own path may hold links (`/var/run`).
  /// nil: there is none.
  init?(_ path: String, owner: uid_t = 0) throws(AdmissionError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .current(.system, "open \(path)")
    }
    self.path = path
    self.owner = owner
    self.descriptor = descriptor
    do throws(AdmissionError) { try check(descriptor, path) } catch {
      close(descriptor)
      throw error
    }
  }

  private init(path: String, owner: uid_t, descriptor: Int32) {
    self.path = path
    self.owner = owner
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The folder below this one; nil: there is none.
  func folder(_ name: String, owner: uid_t? = nil) throws(AdmissionError) -> DiscoveryFolder? {
    guard let found = try opened(name, O_RDONLY | O_DIRECTORY) else { return nil }
    let below = DiscoveryFolder(path: "\(path)/\(name)", owner: owner ?? self.owner, descriptor: found)
    try below.check(found, below.path)
    return below
  }

  /// Follows folder after folder; nil: one of them is not there.
  func folder(at names: [String]) throws(AdmissionError) -> DiscoveryFolder? {
    var current = self
    for name in names {
      guard let next = try current.folder(name) else { return nil }
      current = next
    }
    return current
  }

  /// A file's bytes, and when it was last written; nil: there is none.
  func file(_ name: String) throws(AdmissionError) -> (bytes: [UInt8], written: timespec)? {
    guard let found = try opened(name, O_RDONLY | O_NONBLOCK) else { return nil }
    defer { close(found) }
    let path = "\(path)/\(name)"
    let status = try check(found, path)
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.bytesMax else {
      throw AdmissionError(.invalid, "\(path) is not a regular file of at most \(Self.bytesMax >> 20) MiB")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while bytes.count <= Self.bytesMax {
      let count = read(found, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .current(.system, "read \(path)") }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return (bytes, status.st_mtim)
  }

  /// Sorted, without hidden ones.
  func names() throws(AdmissionError) -> [String] {
    let copy = dup(descriptor)
    guard copy >= 0, let stream = fdopendir(copy) else { throw .current(.system, "read the folder \(path)") }
    defer { closedir(stream) }
    rewinddir(stream)
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
      }
      // a name that is not UTF-8 is no id of a runtime
      guard let name, !name.hasPrefix(".") else { continue }
      guard names.count < Self.entriesMax else {
        throw AdmissionError(.unsupported, "\(path) has more than \(Self.entriesMax) entries")
      }
      names.append(name)
    }
    return names.sorted()
  }

  func has(_ name: String) -> Bool { faccessat(descriptor, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }

  private func opened(_ name: String, _ flags: Int32) throws(AdmissionError) -> Int32? {
    let found = openat(descriptor, name, flags | O_NOFOLLOW | O_CLOEXEC)
    if found >= 0 { return found }
    switch errno {
    // a container may end while its folder is read
    case ENOENT, ENOTDIR: return nil
    case ELOOP: throw AdmissionError(.invalid, "\(path)/\(name) is a symbolic link; it is not followed")
    default: throw .current(.system, "open \(path)/\(name)")
    }
  }

  @discardableResult
  private func check(_ descriptor: Int32, _ path: String) throws(AdmissionError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .current(.system, "look at \(path)") }
    guard status.st_uid == 0 || status.st_uid == owner else {
      throw AdmissionError(.invalid, "\(path) belongs to user \(status.st_uid), not to \(owner): it is not believed")
    }
    guard status.st_mode & S_IWOTH == 0 || status.st_mode & S_ISVTX != 0 else {
      throw AdmissionError(.invalid, "\(path) can be written by anyone: it is not believed")
    }
    return status
  }
}

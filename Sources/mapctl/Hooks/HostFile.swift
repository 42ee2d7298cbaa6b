// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Files of this system, replaced as a whole or not at all.
enum HostFile {
  /// Larger files are none of ours.
  static let bytesMax = 64 << 20

  /// nil: it is not there.
  static func read(_ path: String) throws -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure("open", path)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while bytes.count <= bytesMax {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure("read", path) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
    throw Failure(.refused, "\(path) is larger than \(bytesMax >> 20) MiB; it is no file of Holdfast")
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Permissions; nil: it is not there.
  static func mode(_ path: String) -> UInt32? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
  }

  static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
      }
      if let name, name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Written beside its place, synced, renamed over it: a reader sees the old or the new, also
  /// after a power cut. The folder is made.
  static func replace(_ path: String, _ bytes: [UInt8], mode: UInt32) throws {
    let folder = folder(of: path)
    try makeFolders(folder)
    let new = "\(path).holdfast-new"
    unlink(new)
    let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw failure("make", new) }
    defer { close(descriptor) }
    do {
      var written = 0
      while written < bytes.count {
        let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw failure("write", new) }
        written += count
      }
      guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else { throw failure("write", new) }
      guard rename(new, path) == 0 else { throw failure("rename \(new) to", path) }
      try syncFolder(folder)
    } catch {
      unlink(new)
      throw error
    }
  }

  static func remove(_ path: String) throws {
    guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    try syncFolder(folder(of: path))
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func makeFolders(_ path: String) throws {
    guard !exists(path) else { return }
    try makeFolders(folder(of: path))
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure("make the folder", path) }
  }

  private static func syncFolder(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open the folder", path) }
    defer { close(descriptor) }
    // Some filesystems cannot; the rename has happened all the same.
    _ = fsync(descriptor)
  }

  private static func failure(_ action: String, _ path: String) -> Failure {
    let reason = String(cString: strerror(errno))
    return Failure(
      .refused, "cannot \(action) \(path): \(reason)" + (errno == EACCES || errno == EPERM ? "; run it as root" : ""))
  }
}

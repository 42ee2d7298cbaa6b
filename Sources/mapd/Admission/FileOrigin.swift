// SPDX-License-Identifier: Apache-2.0
import CLinux
import Enforcement
import Glibc

/// Where a container's file came from, as far as user space can tell. The gate decides by itself.
public enum FileOrigin: String, Sendable {
  case image, writableLayer, changed, unknown
}

/// A path looked up in a container as it is now.
public struct FoundFile: Sendable {
  /// After all symbolic links.
  public var path: String
  public var isDirectory: Bool
  /// Of a script: as its first line writes it.
  public var interpreter: String?
  public var origin: FileOrigin
}

extension ContainerRegistry {
  /// nil: nothing is there, or it cannot be looked at.
  public nonisolated func find(_ path: String, in record: ContainerRecord) -> FoundFile? {
    guard isAlive(record), let root = inspector.root(pid: record.pid, rootPath: nil, isRunning: true),
      let found = root.resolve(path)
    else { return nil }
    return FoundFile(
      path: found.path, isDirectory: found.isDirectory, interpreter: found.interpreter,
      origin: origin(of: Array(found.path.utf8), in: record))
  }

  /// - Parameter path: without symbolic links, as the gate walks it.
  public nonisolated func origin(of path: [UInt8], in record: ContainerRecord) -> FileOrigin {
    guard isAlive(record) else { return .unknown }
    let upper = (try? proc.mount(record.pid, at: "/"))?.options["upperdir"]
    if let upper, let status = status(of: path, below: upper), status.st_mode & S_IFMT == S_IFREG {
      return .writableLayer
    }
    guard let status = status(of: path, below: proc.path(record.pid, "root")) else { return .unknown }
    guard let bound = record.bound, status.st_mode & S_IFMT == S_IFREG else { return .image }
    let changed = (Int64(status.st_ctim.tv_sec), status.st_ctim.tv_nsec)
    return changed >= (bound.since, Int(bound.sinceNanoseconds)) ? .changed : .image
  }

  nonisolated func status(of path: [UInt8], below folder: String) -> stat? {
    let root = open(folder, HF_O_PATH | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else { return nil }
    defer { close(root) }
    let file = (path + [0]).withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { hf_open_in_root(root, $0.baseAddress!, UInt64(HF_O_PATH)) }
    }
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    return fstat(file, &status) == 0 ? status : nil
  }
}

// SPDX-License-Identifier: Apache-2.0

import CPosix

/// Leaves a line for mapd, which reads it when it is there again. Best effort, as the system
/// log: the exit code is the same (allow) when there is no room or no place.
///
/// mapd takes the file away by renaming and then unlinking it. A line that went into a file
/// which has no name any more is written again, into the new one: told twice rather than not.
func spool(_ options: Options, _ request: HookRequest, _ message: Line) {
  let entry = spoolLine(request, message)
  let folder = directory(of: options.spool ?? options.socket)
  let path = options.spool ?? folder + bytes("/spool")
  withPath(folder) { _ = mkdir($0, 0o755) }
  for _ in 0..<3 {
    let descriptor = withPath(path) {
      posix_open($0, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
    }
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & UInt32(S_IFMT) == UInt32(S_IFREG),
      Int(status.st_size) + entry.count <= SpoolFile.bytesMax
    else { return }
    _ = entry.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard fstat(descriptor, &status) == 0, status.st_nlink == 0 else { return }
  }
}

private func spoolLine(_ request: HookRequest, _ message: Line) -> [UInt8] {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  var line = Line(bare: "")
  line.add("1\t")
  line.add(decimal: Int(now.tv_sec))
  line.add("\t")
  line.add(request.phase.name)
  line.add("\t")
  line.add(escaping: request.id, limit: ContainerState.idBytesMax)
  line.add("\t")
  return line.text + message.text + [UInt8(ascii: "\n")]
}

private func directory(of path: [UInt8]) -> [UInt8] {
  guard let slash = path.lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return bytes("/") }
  return Array(path[..<slash])
}

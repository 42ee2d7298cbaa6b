// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The one place of this module that reads files. Decides nothing but which files are policies.
public struct PolicyDirectory: Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  /// `*.yaml` and `*.yml`, but no hidden files: those are editors' and `..data` of a mounted
  /// ConfigMap. Backup files of editors (`x.yaml~`, `x.yaml.bak`, `#x.yaml#`) end or begin
  /// otherwise.
  public static func isPolicyFile(_ name: String) -> Bool {
    (name.hasSuffix(".yaml") || name.hasSuffix(".yml")) && !name.hasPrefix(".")
      && !name.hasPrefix("#")
  }

  /// Reads the directory anew. Never fails: what could not be read is among the problems, and stays
  /// in force.
  public func load(previous: PolicySet = .empty) -> PolicySet {
    switch files() {
    case .success(let files): PolicySet(files: files, previous: previous)
    case .failure(let failure):
      PolicySet(
        previous: previous, unreadable: path,
        reason:
          "cannot be read: \(failure.reason); the policies read before stay in force, make the directory readable"
      )
    }
  }

  struct Failure: Error {
    let reason: String
    init(errno number: Int32 = errno) { reason = String(cString: strerror(number)) }
  }

  func files() -> Result<[PolicyFile], Failure> {
    guard let directory = opendir(path) else { return .failure(Failure()) }
    defer { closedir(directory) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if Self.isPolicyFile(name) { names.append(name) }
      errno = 0
    }
    // Half a listing would look like removed files and lift their policies.
    if errno != 0 { return .failure(Failure()) }
    return .success(
      names.sorted().map { PolicyFile(name: $0, content: Self.read("\(path)/\($0)")) })
  }

  /// A file, or the policy files of a directory, each with `path` before its name.
  public static func readAll(_ path: String) -> [PolicyFile] {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      return [PolicyFile(name: path, content: read(path))]
    }
    let prefix = path.hasSuffix("/") ? path : path + "/"
    switch PolicyDirectory(path: path).files() {
    case .success(let files):
      return files.map { PolicyFile(name: prefix + $0.name, content: $0.content) }
    case .failure(let failure):
      return [PolicyFile(name: path, content: .unreadable("cannot be read: \(failure.reason)"))]
    }
  }

  /// Something is at the path, readable or not.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 || errno != ENOENT
  }

  /// The bytes of a regular file, at most one more than a policy file may have. Symbolic links are
  /// followed, because ConfigMaps are mounted as links.
  public static func read(_ path: String) -> PolicyFile.Content {
    func failed(_ reason: String) -> PolicyFile.Content { .unreadable("cannot be read: \(reason)") }
    // O_NONBLOCK: a FIFO among the policies must not stop mapd.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      return failed("\(Failure().reason); make the file readable, or remove it")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return failed(Failure().reason) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      return failed("it is not a regular file; remove it")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= YAMLText.maxBytes {
      let count = readBytes(descriptor, &chunk)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        return failed(Failure().reason)
      }
      bytes += chunk[..<count]
    }
    return .bytes(bytes)
  }
}

/// Outside the type, where `read` is the C function.
private func readBytes(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
  read(descriptor, &buffer, buffer.count)
}

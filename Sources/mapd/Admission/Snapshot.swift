// SPDX-License-Identifier: Apache-2.0
import CLinux
import Enforcement
import Glibc

/// A program that runs in a container.
public struct RunningProgram: Sendable, Hashable {
  /// As the gate would walk it.
  public var path: [UInt8]
  /// The script that it runs as an interpreter of, if its arguments say so.
  public var script: String?
}

extension ContainerRegistry {
  /// What runs in a container now: the executables of all processes of its cgroup that are the
  /// container's own files. The runtime's own processes on their way in are not among them.
  public nonisolated func running(in record: ContainerRecord) -> [RunningProgram] {
    guard isAlive(record), let mounts = try? proc.namespace(record.pid, "mnt"),
      let root = inspector.root(pid: record.pid, rootPath: nil, isRunning: true)
    else { return [] }
    var programs = Set<RunningProgram>()
    for pid in ProcFS.processes(below: record.cgroup.directory) {
      // Of another mount namespace: its paths mean other files.
      guard (try? proc.namespace(pid, "mnt")) == mounts, let path = executable(of: pid, in: record) else { continue }
      programs.insert(RunningProgram(path: path, script: script(of: pid, interpreter: path, root)))
    }
    return programs.sorted { $0.path.lexicographicallyPrecedes($1.path) }
  }

  /// The path of a process's executable, when that very file is there in the container.
  private nonisolated func executable(of pid: Int32, in record: ContainerRecord) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 8192)
    let link = proc.path(pid, "exe")
    let count = buffer.withUnsafeMutableBytes {
      readlink(link, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard count > 0, count < buffer.count else { return nil }
    let path = Array(buffer[..<count])
    var running = stat()
    guard stat(link, &running) == 0, let found = status(of: path, below: proc.path(record.pid, "root")),
      found.st_ino == running.st_ino, found.st_dev == running.st_dev
    else { return nil }
    return path
  }

  /// The kernel puts a script's path behind its interpreter and the one option of its first line.
  private nonisolated func script(of pid: Int32, interpreter: [UInt8], _ root: RootFilesystem) -> String? {
    guard let line = try? proc.text(pid, "cmdline") else { return nil }
    return script(in: line.split(separator: "\0").map(String.init), interpreter: interpreter, root)
  }

  private nonisolated func script(in arguments: [String], interpreter: [UInt8], _ root: RootFilesystem) -> String? {
    for argument in arguments.dropFirst().prefix(2) where argument.hasPrefix("/") {
      guard let file = root.resolve(argument), let first = file.interpreter,
        let resolved = root.resolve(first), resolved.path.utf8.elementsEqual(interpreter)
      else { continue }
      return file.path
    }
    return nil
  }

  /// The script that arguments of an interpreter name, where the gate cannot see it.
  public nonisolated func script(in arguments: [String], interpreter: [UInt8], of record: ContainerRecord) -> String? {
    guard isAlive(record), let root = inspector.root(pid: record.pid, rootPath: nil, isRunning: true) else {
      return nil
    }
    return script(in: arguments, interpreter: interpreter, root)
  }
}

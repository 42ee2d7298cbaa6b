// SPDX-License-Identifier: Apache-2.0
import Admission
import Glibc
import Logging
import Policy
import ServiceLifecycle

/// Where policies come from. A directory now; the Kubernetes API is another one.
public protocol PolicySource: Sendable {
  /// The policies as they are, and again after each change, until the task is cancelled.
  func changes() -> AsyncStream<Void>
  func load(previous: PolicySet) -> PolicySet
}

/// A directory of manifests, watched with inotify; a missing one is looked for every second.
public struct WatchedDirectory: PolicySource {
  let directory: PolicyDirectory

  public init(path: String) { directory = PolicyDirectory(path: path) }

  public func load(previous: PolicySet) -> PolicySet { directory.load(previous: previous) }

  public func changes() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let path = directory.path
    let task = Task.detached { await Self.watch(path, continuation) }
    continuation.onTermination = { _ in task.cancel() }
    return stream
  }

  // Not IN_MODIFY and IN_CREATE: half a file could be read as a shorter policy.
  private static let events = UInt32(
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

  private static func watch(_ path: String, _ changed: AsyncStream<Void>.Continuation) async {
    let descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var watch: Int32 = -1
    var buffer = [UInt8](repeating: 0, count: 16384)
    while !Task.isCancelled {
      if watch < 0 {
        watch = inotify_add_watch(descriptor, path, events)
        if watch >= 0 { changed.yield() }
      }
      var isChanged = false
      while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
        isChanged = true
        if mentionsLoss(buffer[..<count]) { watch = -1 }
      }
      if isChanged { changed.yield() }
      try? await Task.sleep(for: .milliseconds(watch < 0 ? 1000 : 50))
    }
  }

  /// The directory itself went away: IN_DELETE_SELF, IN_MOVE_SELF, IN_IGNORED.
  private static func mentionsLoss(_ records: ArraySlice<UInt8>) -> Bool {
    records.withUnsafeBytes { bytes in
      var offset = 0
      while offset + 16 <= bytes.count {
        let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
        if mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF | 0x8000) != 0 { return true }
        offset += 16 + Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
      }
      return false
    }
  }
}

/// Keeps the registry on the policies of a source.
public struct PolicyWatcher: Service {
  let source: any PolicySource
  let registry: ContainerRegistry
  let log: Logger

  public init(source: any PolicySource, registry: ContainerRegistry, log: Logger) {
    self.source = source
    self.registry = registry
    self.log = log
  }

  public func run() async throws {
    for await _ in source.changes().cancelOnGracefulShutdown() {
      let source = source
      let (old, new) = await registry.update { source.load(previous: $0) }
      if new != old { Self.tell(new, before: old, log) }
    }
  }

  public static func tell(_ new: PolicySet, before old: PolicySet, _ log: Logger) {
    for problem in new.problems where !old.problems.contains(problem) {
      log.error("policy refused, what was in force stays in force", metadata: ["problem": "\(problem)"])
    }
    log.info(
      "policies loaded", metadata: ["policies": "\(new.policies.count)", "problems": "\(new.problems.count)"])
  }
}

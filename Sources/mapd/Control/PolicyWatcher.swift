// SPDX-License-Identifier: Apache-2.0
import Admission
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
    let watch = DirectoryWatch(path: directory.path) { continuation.yield() }
    continuation.onTermination = { _ in watch.cancel() }
    return stream
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

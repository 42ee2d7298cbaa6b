// SPDX-License-Identifier: Apache-2.0
import Admission
import Configuration
import Logging
import ServiceLifecycle
import UnixSignals

/// The configuration in force. A file that is not understood changes nothing of it.
public actor ConfigurationKeeper {
  private let started: Configuration
  private var current: Configuration
  private let registry: ContainerRegistry
  private let log: Logger
  private let load: @Sendable () throws(Configuration.Failure) -> Configuration
  private let apply: @Sendable (Configuration) -> Void
  /// What an operator must know of, a sentence each.
  public private(set) var troubles: [String] = []

  /// - Parameters:
  ///   - configuration: what mapd was started with.
  ///   - apply: takes over what needs neither the registry nor a restart.
  public init(
    _ configuration: Configuration, registry: ContainerRegistry, log: Logger,
    load: @escaping @Sendable () throws(Configuration.Failure) -> Configuration,
    apply: @escaping @Sendable (Configuration) -> Void
  ) {
    started = configuration
    current = configuration
    self.registry = registry
    self.log = log
    self.load = load
    self.apply = apply
  }

  /// Takes over a good file at once, but for what only a start can change.
  func reload() async {
    let new: Configuration
    do throws(Configuration.Failure) {
      new = try load()
    } catch {
      for problem in error.problems {
        log.error("configuration refused, the one before stays in force", metadata: ["problem": "\(problem)"])
      }
      troubles = error.problems.map { "the configuration before is in force, the file has a mistake: \($0)" }
      return
    }
    let waiting = started.settingsForARestart(to: new)
    troubles = waiting.isEmpty ? [] : ["settings wait for a restart of mapd: \(waiting.joined(separator: ", "))"]
    apply(new)
    if new.learn != current.learn {
      _ = await registry.update { old in
        var set = old
        set.learning = new.learn
        return set
      }
    }
    current = new
    log.notice("configuration read again", metadata: ["restartNeededFor": "\(waiting.joined(separator: ","))"])
  }
}

/// Reads the configuration again at each SIGHUP.
public struct ConfigurationReload: Service {
  let keeper: ConfigurationKeeper

  public init(keeper: ConfigurationKeeper) { self.keeper = keeper }

  public func run() async throws {
    for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { await keeper.reload() }
  }
}

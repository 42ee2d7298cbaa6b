// SPDX-License-Identifier: Apache-2.0
import Admission
import Observation
import ServiceLifecycle

/// What is done once a second: repeats told, containers that ended unseen removed, rules of
/// old generations deleted.
public struct Housekeeping: Service {
  let registry: ContainerRegistry
  let journal: EventJournal
  let spool: Spool
  let roots: DiscoveryRoots

  public init(registry: ContainerRegistry, journal: EventJournal, spool: Spool, roots: DiscoveryRoots) {
    self.registry = registry
    self.journal = journal
    self.spool = spool
    self.roots = roots
  }

  public func run() async throws {
    try? await cancelWhenGracefulShutdown {
      while true {
        try await Task.sleep(for: .seconds(1))
        // Containers that a hook let go on while mapd did not answer.
        if await spool.take() { await registry.discover(roots) }
        await registry.sweep()
        // Told before they are forgotten: the last counts of a container are counts too.
        let ended = await registry.takeEnded()
        await journal.tellRepeats()
        await registry.forgetReports(ended)
      }
    }
  }
}

/// The reports' way from the ring buffer to the journal.
public struct EventService: Service {
  let pump: EventPump
  let journal: EventJournal

  public init(pump: EventPump, journal: EventJournal) {
    self.pump = pump
    self.journal = journal
  }

  public func run() async throws {
    await withGracefulShutdownHandler {
      await pump.run(into: journal)
    } onGracefulShutdown: {
      pump.stop()
    }
  }
}

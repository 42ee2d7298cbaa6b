// SPDX-License-Identifier: Apache-2.0
import Admission
import Learning
import Observation
import ServiceLifecycle

/// What is done once a second: repeats counted and told, containers that ended unseen removed,
/// rules of old generations deleted; what was observed and learned written down.
public struct Housekeeping: Service {
  let registry: ContainerRegistry
  let journal: EventJournal
  let violations: ViolationStore
  let learner: Learner
  let readiness: Readiness
  let spool: Spool
  let roots: DiscoveryRoots

  public init(
    registry: ContainerRegistry, journal: EventJournal, violations: ViolationStore, learner: Learner,
    readiness: Readiness, spool: Spool, roots: DiscoveryRoots
  ) {
    self.registry = registry
    self.journal = journal
    self.violations = violations
    self.learner = learner
    self.readiness = readiness
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
        await round()
      }
    }
    // What the last second brought.
    await round()
  }

  private func round() async {
    let ended = await registry.takeEnded()
    await learner.takeSnapshots()
    await journal.tellRepeats(ended)
    await violations.flush()
    await learner.flush()
    // Told and on disk before they are forgotten: the last counts of a container are counts too.
    await registry.forgetReports(ended)
    await readiness.note()
  }
}

/// The way of reports from the ring buffer to the journal, and of traces to those who follow.
public struct EventService: Service {
  let pump: EventPump
  let journal: EventJournal
  let tracer: Tracer

  public init(pump: EventPump, journal: EventJournal, tracer: Tracer) {
    self.pump = pump
    self.journal = journal
    self.tracer = tracer
  }

  public func run() async throws {
    await withGracefulShutdownHandler {
      await pump.run(into: journal, traces: tracer)
    } onGracefulShutdown: {
      pump.stop()
    }
  }
}

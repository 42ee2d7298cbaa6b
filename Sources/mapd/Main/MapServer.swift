// SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Configuration
import Control
import Enforcement
import Export
import Glibc
import Learning
import Logging
import NIOCore
import Observation
import Policy
import ServiceLifecycle
import Shared

/// Puts the parts together, in the order in which each can rely on those before it.
struct MapServer {
  let options: MapdCommand
  let threshold: LogThreshold
  let log: Logger

  init(options: MapdCommand) {
    self.options = options
    let threshold = LogThreshold()
    self.threshold = threshold
    log = Logger(label: "mapd") { _ in JSONLogHandler(descriptor: STDERR_FILENO, threshold: threshold) }
  }

  func run() async throws {
    // Beside that of the hooks one is enough, and saves each connection the way from one to another.
    NIOSingletons.groupLoopCountSuggestion = 1
    // Asked to read its configuration before it can, mapd must not end.
    signal(SIGHUP, SIG_IGN)
    do {
      let configuration = try options.load()
      threshold.level = configuration.logLevel.level
      // Held until mapd ends: two of them would write the same maps.
      let lock = try RunDirectory.prepare(configuration.paths.run)
      defer { close(lock) }
      let proc = ProcFS(root: configuration.paths.procfs)
      try requireHostNamespaces(configuration.paths.procfs)
      leaveContainerRoots(proc)
      let gate = try Gate(configuration.gateOptions)
      tell(gate)

      let source = WatchedDirectory(path: configuration.paths.policies)
      let policies = source.load(previous: .empty(learning: configuration.learn))
      PolicyWatcher.tell(policies, before: .empty, log)
      let registry = try ContainerRegistry(
        gate: gate, policies: policies, proc: proc, recordDirectory: configuration.paths.run + "/containers",
        executor: HookServer.executor, log: log)
      await registry.adopt()
      let spool = Spool(path: configuration.paths.run + "/spool", log: log)
      _ = await spool.take()
      await registry.discover(configuration.discoveryRoots)
      try await serve(configuration, gate, registry, source, spool)
    } catch {
      log.critical("mapd cannot start; what is pinned stays in force", metadata: ["reason": "\(error)"])
      throw ExitCode(1)
    }
  }

  private func serve(
    _ configuration: Configuration, _ gate: Gate, _ registry: ContainerRegistry, _ source: WatchedDirectory,
    _ spool: Spool
  ) async throws {
    let paths = configuration.paths
    let violations = ViolationStore(stateDirectory: paths.state, log: log)
    let learner = Learner(registry: registry, stateDirectory: paths.state, log: log)
    let exporter = LogExporter(configuration.otlp, version: "\(Release.version)", log: log)
    let marks = ReadingMarks()
    let journal = EventJournal(
      registry: registry, gate: gate, violations: violations, learning: learner, output: STDOUT_FILENO,
      marks: marks, memory: paths.run + "/reports", observe: exporter.observe)
    let tracer = Tracer(registry: registry, gate: gate)
    let readiness = Readiness(
      registry: registry, violations: violations, stateDirectory: paths.state, log: log)
    let editor = PolicyEditor(registry: registry, source: source, directory: paths.policies, log: log)
    let operations = Operations(
      registry: registry, gate: gate, violations: violations, learner: learner, editor: editor, readiness: readiness)
    let pump = EventPump(marks: marks, procfs: paths.procfs)
    try pump.start(gate)
    let keeper = ConfigurationKeeper(configuration, registry: registry, log: log, load: options.load) { new in
      threshold.level = new.logLevel.level
      exporter.change(new.otlp)
    }
    let reporter = Reporter(
      registry: registry, gate: gate, pump: pump, spool: spool, journal: journal, tracer: tracer,
      violations: violations,
      learner: learner, configuration: keeper, unsent: { exporter.lost }, version: "\(Release.version)")
    let statistics = HookStatistics()
    let control = ControlServer(
      reporter: reporter, journal: journal, violations: violations, tracer: tracer, operations: operations, log: log)
    signal(SIGPIPE, SIG_IGN)
    let readers = try configuration.readers()
    let controlLimit = ConnectionLimit(UnixServer.readersMax)
    let metricsLimit = ConnectionLimit(MetricsServer.connectionsMax)
    // The hooks' socket first: whoever is answered by the other one can start containers.
    let hookServer = try await HookServer(
      registry: registry, statistics: statistics, place: ServiceManager.place("hook", paths.run, readers: nil),
      log: log)
    let controlServer = try await UnixServer(
      name: "control", place: ServiceManager.place("control", paths.run, readers: readers), readers: controlLimit,
      log: log, serve: control.serve)
    let metrics = try await MetricsServer(
      collector: MetricsCollector(
        reporter: reporter, registry: registry, gate: gate, journal: journal, hooks: statistics,
        exporter: exporter, limits: ["control": controlLimit, "metrics": metricsLimit]),
      place: configuration.metrics.socket ? ServiceManager.place("metrics", paths.run, readers: readers) : nil,
      address: configuration.metrics.address.map { ($0.host, $0.port) }, limit: metricsLimit, log: log)
    ServiceManager.notify("READY=1")
    let services: [any Service] = [
      // The first ends last: it sends what the others bring when they end.
      exporter,
      EventService(pump: pump, journal: journal, tracer: tracer),
      Housekeeping(
        registry: registry, journal: journal, violations: violations, learner: learner, readiness: readiness,
        spool: spool, roots: configuration.discoveryRoots),
      PolicyWatcher(source: source, registry: registry, log: log),
      ConfigurationReload(keeper: keeper),
      hookServer,
      controlServer,
      metrics,
      ServiceManagerLink(registry: registry),
      ProgramPages(),
    ]
    let group = ServiceGroup(
      configuration: .init(
        services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint], logger: log))
    try await group.run()
    log.info("mapd ends; the gate stays in force")
  }

  /// Process ids and cgroup paths mean the host's.
  private func requireHostNamespaces(_ procfs: String) throws {
    // PROC_PID_INIT_INO and PROC_CGROUP_INIT_INO of the kernel
    for (name, initial) in [("pid", 0xEFFF_FFFC as UInt), ("cgroup", 0xEFFF_FFFB)] {
      var status = stat()
      guard stat("\(procfs)/self/ns/\(name)", &status) == 0, status.st_ino == initial else {
        throw ValidationError(
          "mapd must run in the host's \(name) namespace; run it with hostPID and the host's cgroup "
            + "namespace, or with its service unit")
      }
    }
  }

  /// Where the service unit gives mapd a mount namespace of its own.
  private func leaveContainerRoots(_ proc: ProcFS) {
    let (left, problems) = proc.leaveContainerRoots()
    if left > 0 { log.info("mounts of containers left to the host", metadata: ["mounts": "\(left)"]) }
    for problem in problems {
      log.warning("a container's mount is held until mapd ends", metadata: ["reason": "\(problem)"])
    }
  }

  private func tell(_ gate: Gate) {
    for note in gate.notes { log.warning("\(note)") }
    var metadata: Logger.Metadata = [
      "attach": "\(gate.attachPoint?.rawValue ?? "none")", "kernel": "\(gate.features.release)",
      "adopted": "\(gate.adopted)", "object": "\(gate.file)", "loaded": "\(gate.wasLoaded)",
    ]
    for refusal in gate.refusals { metadata["not_\(refusal.attach.rawValue)"] = "\(refusal.reason)" }
    guard let point = gate.attachPoint else {
      return log.critical("no program is attached: nothing is enforced", metadata: metadata)
    }
    if let degraded = point.degraded {
      metadata["degraded"] = "\(degraded)"
      log.warning("gate attached, degraded", metadata: metadata)
    } else {
      log.info("gate attached", metadata: metadata)
    }
  }
}

extension Configuration {
  fileprivate var discoveryRoots: DiscoveryRoots {
    DiscoveryRoots(run: runtimes.state, storage: [runtimes.storage], further: runtimes.ociRoots)
  }
}

extension Configuration.LogLevel {
  fileprivate var level: Logger.Level { Logger.Level(rawValue: rawValue)! }
}

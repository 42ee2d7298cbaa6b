// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Enforcement
import Logging
import Observation
import Policy

/// Learns what containers in mode learn execute, and keeps a proposal for each workload on disk.
/// Written at most once a second: that much is lost when mapd is killed.
public actor Learner: LearningRecorder {
  private let registry: ContainerRegistry
  private let directory: String
  private let log: Logger
  private let boot = Boot.id
  private var book = LearningBook()
  /// Proposals as they are on disk.
  private var written: [PolicyName: String] = [:]
  private var snapshots = Set<String>()
  private var warned = Set<PolicyName>()
  private var hasFailed = false

  /// Reads what an earlier mapd has learned.
  public init(registry: ContainerRegistry, stateDirectory: String, log: Logger) {
    self.registry = registry
    self.log = log
    directory = stateDirectory + "/proposals"
    do throws(StateFile.Failure) {
      try StateFile.makeDirectory(directory)
    } catch {
      log.error("proposals are not kept on disk", metadata: ["reason": "\(error)"])
    }
    for file in StateFile.names(in: directory) where file.hasSuffix(".json") {
      let path = "\(directory)/\(file)"
      do {
        guard let bytes = try StateFile.read(path) else { continue }
        let workload = try ControlCoding.value(LearningPage.self, from: bytes).workload(boot: boot)
        book.restore(workload)
        // Its proposal may not have been written any more.
        book.markChanged(workload.name)
      } catch {
        log.error(
          "what was learned cannot be read, the file is set aside", metadata: ["file": "\(path)", "reason": "\(error)"])
        StateFile.setAside(path)
      }
    }
  }

  public func learned(
    _ event: GateEvent, of container: ContainerRecord, count: UInt64, process: ProcessDetails?
  ) async {
    guard let name = WorkloadName.of(container.identity) else { return }
    let time = Timestamp.now.iso8601
    let isAlone = event.isInterpreter && event.attach == AttachName.killCode
    var sighting = sighting(of: container, name, path: event.path, time: time, source: "exec")
    sighting.role = event.isInterpreter ? "interpreter" : "program"
    sighting.origin = registry.origin(of: event.path, in: container).rawValue
    sighting.unlisted = Self.unlisted(event)
    sighting.isSeenAlone = isAlone
    add(sighting, key: event.key, count: count)
    guard isAlone, process?.areCallers != true, let arguments = process?.arguments,
      let script = registry.script(in: arguments, interpreter: event.path, of: container)
    else { return }
    var seen = self.sighting(of: container, name, path: Array(script.utf8), time: time, source: "exec")
    seen.origin = registry.origin(of: seen.path, in: container).rawValue
    add(seen)
  }

  public func counted(_ counts: [(ReportKey, UInt64)]) {
    let time = Timestamp.now.iso8601
    for (key, count) in counts where key.verdict == VerdictName.learnCode {
      book.advance(key, count: count, time: time)
    }
  }

  public func forget(_ keys: [ReportKey]) { for key in keys { book.forget(key) } }

  /// Containers in mode learn that ran before they were learned: what runs in them. Call it
  /// once a second.
  public func takeSnapshots() async {
    var present = Set<String>()
    for container in await registry.boundContainers() where container.mode == .learn && container.record.hasStarted {
      let record = container.record
      let run = "\(record.identity.id) \(record.pid) \(record.initStartTicks)"
      present.insert(run)
      guard !snapshots.contains(run), let name = WorkloadName.of(record.identity) else { continue }
      let time = Timestamp.now.iso8601
      for program in registry.running(in: record) {
        var found = sighting(of: record, name, path: program.path, time: time, source: "snapshot")
        found.origin = registry.origin(of: program.path, in: record).rawValue
        if program.script != nil { found.role = "interpreter" }
        add(found)
        guard let script = program.script else { continue }
        var of = sighting(of: record, name, path: Array(script.utf8), time: time, source: "snapshot")
        of.origin = registry.origin(of: of.path, in: record).rawValue
        add(of)
      }
    }
    snapshots = present
  }

  private func sighting(
    of container: ContainerRecord, _ name: PolicyName, path: [UInt8], time: String, source: String
  ) -> LearningBook.Sighting {
    let identity = container.identity
    return LearningBook.Sighting(
      workload: name, labels: Self.labels(identity), container: identity.name, image: identity.image,
      place: identity.pod ?? identity.id, path: path, time: time, source: source, role: "program", origin: "unknown",
      unlisted: (String(validating: path, as: UTF8.self).map { (try? ExecutablePath($0)) == nil } ?? true)
        ? "no policy can list its path" : nil)
  }

  private func add(_ sighting: LearningBook.Sighting, key: ReportKey? = nil, count: UInt64 = 0) {
    guard !book.add(sighting, key: key, count: count), warned.insert(sighting.workload).inserted else { return }
    // Once for each workload; the count is in `mapctl proposals`.
    log.warning(
      "there is no room to learn more of the workload; further executables are counted, not proposed",
      metadata: [
        "workload": "\(sighting.workload)", "container": "\(sighting.container)",
        "limit": "\(LearningBook.executablesMax) executables a container, \(LearningBook.workloadsMax) workloads",
      ])
  }

  /// Why an exec is not proposed: only a plain file of the container, found under its own path,
  /// is. A path seen from another mount namespace or root may have been made up.
  private static func unlisted(_ event: GateEvent) -> String? {
    let reason = ReasonName(code: event.key.reason)
    guard reason == .notListed || reason == .interpreterNotListed else {
      return "\(reason?.explanation ?? ReasonName.name(code: event.key.reason)); \(reason?.remedy ?? "")"
    }
    guard event.hasWholePath, let text = String(validating: event.path, as: UTF8.self),
      (try? ExecutablePath(text)) != nil
    else { return "no policy can list its path" }
    return nil
  }

  /// Labels that a selector can be made of; nil where the workload asks for its policy by name.
  private static func labels(_ identity: ContainerIdentity) -> [String: String]? {
    guard WorkloadName.asked(identity) == nil else { return nil }
    let generated = [
      "pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name",
      "apps.kubernetes.io/pod-index", "controller-uid", "job-name",
    ]
    return identity.labels.filter { key, _ in
      !generated.contains(key) && !key.hasPrefix("io.kubernetes.") && !key.hasPrefix("security.rancher.io/")
        && !key.hasPrefix("batch.kubernetes.io/")
    }
  }

  /// Executables and workloads that found no room.
  public var dropped: UInt64 { book.workloads.values.reduce(book.droppedWorkloads) { $0 + $1.dropped } }

  /// Sorted by namespace and name.
  public func proposals() -> [ProposalReport] {
    book.workloads.values.sorted { $0.name < $1.name }.map { $0.report(file: file($0.name, "yaml")) }
  }

  public func proposal(_ name: PolicyName) -> WorkloadPolicy? { book.workloads[name]?.proposal }

  /// Writes what has changed. Call it once a second.
  public func flush() {
    for name in book.takeChanged().sorted() {
      guard let workload = book.workloads[name] else { continue }
      do {
        // It was not made at the start when the disk was full then.
        try StateFile.makeDirectory(directory)
        try StateFile.write(
          try ControlCoding.line(LearningPage(workload, boot: boot)), to: file(name, "json"))
        let text = try PolicyEmitter.yaml(workload.proposal)
        if written[name] != text {
          try StateFile.write(Array(text.utf8), to: file(name, "yaml"))
          written[name] = text
        }
        if hasFailed { log.notice("what was learned is written again", metadata: ["directory": "\(directory)"]) }
        hasFailed = false
      } catch {
        book.markChanged(name)
        if !hasFailed { log.error("what was learned cannot be written", metadata: ["reason": "\(error)"]) }
        hasFailed = true
      }
    }
  }

  private func file(_ name: PolicyName, _ suffix: String) -> String {
    "\(directory)/\(PolicyFileName.of(name)).\(suffix)"
  }
}

extension AttachName {
  static var killCode: UInt32 { UInt32(allCases.firstIndex(of: .kill)!) }
}

extension VerdictName {
  static var learnCode: UInt32 { UInt32(allCases.firstIndex(of: .learn)!) }
}

/// The file that a policy or proposal is written to, without its suffix.
public enum PolicyFileName {
  /// A namespace has no dot: two names never meet.
  public static func of(_ name: PolicyName) -> String {
    let plain = "\(name.namespace).\(name.name)"
    return plain.utf8.count <= 200 ? plain : StateFile.name(for: plain)
  }
}

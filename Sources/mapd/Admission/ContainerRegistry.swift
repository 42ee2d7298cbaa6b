// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Glibc
import Logging
import Policy
import Shared

/// All containers of the node and their bindings: what is known here is what the gate enforces.
///
/// Every change goes one way: compile the rules, write the rule set, then assign or bind; a
/// failure on the way leaves what was in force.
public actor ContainerRegistry {
  let gate: Gate
  let proc: ProcFS
  let inspector: ContainerInspector
  let store: RecordStore
  let index = ContainerIndex()
  let log: Logger
  private let executor: any SerialExecutor
  public internal(set) var policies: PolicySet
  /// Containers that are gone, whose reports are still to be told a last time.
  var ended: Set<CgroupKey> = []
  /// What an operator must know of: see Trouble.swift.
  var trouble = Trouble()

  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// - Parameter executor: where all of its work is done; that of who asks most, so that an answer
  ///   needs no turn from one thread to another.
  public init(
    gate: Gate, policies: PolicySet, proc: ProcFS, recordDirectory: String, executor: any SerialExecutor, log: Logger
  ) throws(AdmissionError) {
    self.gate = gate
    self.policies = policies
    self.proc = proc
    inspector = ContainerInspector(proc: proc)
    store = try RecordStore(directory: recordDirectory)
    self.executor = executor
    self.log = log
  }

  /// Answers a hook. The order of journey A: identity, policy, rule set, maps, answer.
  public func answer(_ request: HookRequest, caller: Int32?) -> HookAnswer {
    let id = String(decoding: request.id, as: UTF8.self)
    switch request.phase {
    case .createRuntime: return create(request, id: id, caller: caller)
    case .poststart: return confirm(request, id: id, caller: caller)
    case .poststop:
      // Another runtime may use the same id for another container.
      if let record = index.record(id), record.bundle.utf8.elementsEqual(request.bundle) { remove(id) }
      return HookAnswer(.removed)
    }
  }

  private func create(_ request: HookRequest, id: String, caller: Int32?) -> HookAnswer {
    if let known = index.record(id) {
      if isOf(known, request) && isAlive(known) { return HookAnswer(known.bound == nil ? .unmanaged : .bound) }
      if let refusal = replace(known) { return refusal }
    }
    return admit(request, id: id, caller: caller, isRunning: false)
  }

  /// The process that runs is the one that was bound; one that is not known is bound now.
  private func confirm(_ request: HookRequest, id: String, caller: Int32?) -> HookAnswer {
    guard var record = index.record(id), isOf(record, request) else {
      if let known = index.record(id), let refusal = replace(known) { return refusal }
      // Ended before it was asked about: nothing is left to bind, and nothing to keep from starting.
      guard isRunning(request) else { return HookAnswer(.unmanaged) }
      log.warning("container was not known at its start", metadata: ["container": "\(id)"])
      return admit(request, id: id, caller: caller, isRunning: true)
    }
    if !record.hasStarted {
      record.hasStarted = true
      index.put(id, record)
      save(record)
    }
    guard let bound = record.bound else { return HookAnswer(.unmanaged) }
    guard gate.bindings.cgroup(of: bound.binding) == record.cgroup.key else {
      return HookAnswer(.refused, reason: Array("the binding of container \(id) is gone from the maps".utf8))
    }
    // A short-lived workload may have ended: nothing to compare then.
    if let lines = try? proc.cgroups(record.pid), let status = proc.status(record.pid), !status.isEnding,
      status.startTicks == record.initStartTicks
    {
      let line = lines.first { $0.hierarchy == record.cgroup.hierarchy }
      guard let line, line.path == record.cgroup.path || line.path.hasPrefix(record.cgroup.path + "/") else {
        return HookAnswer(
          .refused,
          reason: Array("container \(id) was moved from cgroup \(record.cgroup.path) to \(line?.path ?? "none")".utf8))
      }
    }
    return HookAnswer(.confirmed)
  }

  /// Is the request about this very container? Ids are a runtime's own, and are used again.
  private func isOf(_ record: ContainerRecord, _ request: HookRequest) -> Bool {
    record.bundle.utf8.elementsEqual(request.bundle) && (record.pid == request.pid || request.pid == 0)
  }

  /// Does the process that the hook told of still run?
  private func isRunning(_ request: HookRequest) -> Bool {
    guard request.pid > 0, let status = proc.status(request.pid), !status.isEnding else { return false }
    return request.startTicks == 0 || status.startTicks == request.startTicks
  }

  public nonisolated func isAlive(_ record: ContainerRecord) -> Bool {
    proc.isAlive(record.pid, since: record.initStartTicks)
  }

  /// Makes room for another container of the same id. One that runs keeps its protection:
  /// the other one is refused.
  private func replace(_ known: ContainerRecord) -> HookAnswer? {
    guard !isAlive(known) else {
      return HookAnswer(
        .refused,
        reason: Array(
          ("the id \(known.identity.id) is that of a running container, process \(known.pid) of bundle "
            + "\(known.bundle); use another id").utf8))
    }
    remove(known.identity.id)
    return nil
  }

  /// - Parameter knownCgroup: where it is known from elsewhere than the process.
  func admit(
    _ request: HookRequest, id: String, caller: Int32?, isRunning: Bool, knownCgroup: CgroupLocation? = nil
  ) -> HookAnswer {
    var mode: PolicyMode?
    do throws(AdmissionError) {
      let bundle = String(decoding: request.bundle, as: UTF8.self)
      let found = try inspector.inspect(
        id: id, bundle: bundle, pid: request.pid, toldTicks: request.startTicks, caller: caller,
        knownCgroup: knownCgroup)
      // A hook that gave up waiting has let it start: it is not to be sealed at its next exec.
      let isRunning = isRunning || proc.isPastPivot(request.pid, rootPath: found.rootPath, caller: caller)
      var record = ContainerRecord(
        identity: found.identity, bundle: bundle, rootPath: found.rootPath,
        makesPidNamespace: found.config.makesPidNamespace, pid: request.pid,
        initStartTicks: found.initStartTicks, cgroup: found.cgroup, hasStarted: isRunning, bound: nil)
      warnOfMissing(record)
      dropStaleBinding(of: record.cgroup)
      if let policy = policies.effective(for: record.identity.workload) {
        mode = policy.mode
        do throws(AdmissionError) {
          try bind(&record, to: policy)
        } catch {
          // Nobody asked for a policy: that it cannot be learned must not keep it from starting.
          guard policy.policies.isEmpty else { throw error }
          log.warning("container not learned", metadata: ["container": "\(id)", "reason": "\(error)"])
          try store.save(record)
        }
      } else {
        try store.save(record)
      }
      index.put(id, record)
      return HookAnswer(record.bound == nil ? .unmanaged : .bound)
    } catch {
      store.remove(id)
      log.error("container not admitted", metadata: ["container": "\(id)", "reason": "\(error)"])
      // Nothing that a policy wants protected starts unprotected. A request that makes no
      // sense is refused as well: its policy cannot be known.
      let isRefused = mode == .protect || error.kind == .invalid || (mode == nil && wouldProtect(request, id: id))
      return HookAnswer(isRefused ? .refused : .failed, reason: Array("\(error)".utf8))
    }
  }

  /// Is a policy in mode protect for the container whose inspection failed?
  private func wouldProtect(_ request: HookRequest, id: String) -> Bool {
    let bundle = String(decoding: request.bundle, as: UTF8.self)
    guard let config = try? BundleConfig.read(bundle: bundle) else { return true }
    let identity = ContainerIdentity(id: id, bundle: bundle, config: config)
    return policies.effective(for: identity.workload)?.mode == .protect
  }

  /// Binds a container that is not bound. The record is on disk before the gate knows it.
  func bind(_ record: inout ContainerRecord, to policy: EffectivePolicy) throws(AdmissionError) {
    let isRunning = record.hasStarted
    // A container that ran before it had a policy is taken as it is now.
    let files = inspector.root(pid: record.pid, rootPath: record.rootPath, isRunning: isRunning)
    let root = files.map(RecordingLookup.init)
    let compiled = RuleCompiler(root: root).compile(policy)
    let new = try inspector.binding(
      pid: record.pid, initStartTicks: record.initStartTicks, cgroup: record.cgroup, rootPath: record.rootPath,
      root: files, makesPidNamespace: record.makesPidNamespace, isRunning: isRunning)
    do {
      let isNew = gate.ruleSets.find(compiled.ruleSet) == nil
      let ruleSet = try gate.ruleSets.find(compiled.ruleSet) ?? gate.ruleSets.add(compiled.ruleSet)
      do {
        var bound = ContainerRecord.Bound(
          binding: try gate.bindings.nextID(), ruleSet: ruleSet, policies: [], mode: 0, allow: 0, rules: [],
          links: [], lookups: root?.record ?? LookupRecord(), since: new.startedSeconds,
          sinceNanoseconds: Int32(new.startedNanoseconds))
        bound.set(compiled, policies: policy.policies)
        record.bound = bound
        try store.save(record)
        let known = index.record(record.identity.id)
        // It may run already, and be told of as soon as it is bound.
        index.put(record.identity.id, record)
        do {
          _ = try gate.bindings.bind(new, to: ruleSet)
        } catch {
          index.put(record.identity.id, known)
          throw error
        }
      } catch {
        record.bound = nil
        save(record)
        if isNew { gate.ruleSets.remove(ruleSet) }
        throw error
      }
    } catch let error as AdmissionError {
      throw error
    } catch {
      trouble.count(error)
      throw AdmissionError(.system, "bind container \(record.identity.id): \(error)")
    }
    log.info(
      "container bound",
      metadata: [
        "container": "\(record.identity.id)", "name": "\(record.identity.name)",
        "namespace": "\(record.identity.namespace)", "mode": "\(policy.mode.rawValue)",
        "policies": "\(policy.policies.map(\.description).joined(separator: ","))",
        "cgroup": "\(record.cgroup.path)",
      ])
    trouble.containers[record.identity.id] = nil
    if isRunning { dealWithForbidden(record, compiled.ruleSet, policy) }
  }

  /// The container is gone, or no policy is for it any more.
  func unbind(_ record: inout ContainerRecord) {
    guard let bound = record.bound else { return }
    index.depart(record)
    gate.bindings.unbind(record.cgroup.key)
    record.bound = nil
    release(bound.ruleSet)
  }

  /// Takes out a rule set that no container has.
  func release(_ ruleSet: UInt32) {
    // As the gate has it: there may be bindings without a record.
    if !gate.bindings.isAssigned(ruleSet) { gate.ruleSets.remove(ruleSet) }
  }

  func remove(_ id: String) {
    guard var record = index.record(id) else { return }
    let cgroup = record.cgroup.key
    unbind(&record)
    index.put(id, nil)
    trouble.containers[id] = nil
    ended.insert(cgroup)
    store.remove(id)
    log.info("container removed", metadata: ["container": "\(id)"])
  }

  func save(_ record: ContainerRecord) {
    do throws(AdmissionError) {
      try store.save(record)
    } catch {
      // The maps are right; only a mapd that starts anew would know less.
      log.error("record not written", metadata: ["container": "\(record.identity.id)", "reason": "\(error)"])
    }
  }

  private func warnOfMissing(_ record: ContainerRecord) {
    for name in policies.missing(for: record.identity.workload) {
      log.warning(
        "the container asks for a policy that is not in force",
        metadata: ["container": "\(record.identity.id)", "policy": "\(name)"])
    }
  }

  /// A binding that no record tells of must not come over a new container, should the kernel
  /// ever use its cgroup's id again. One whose container still runs is kept: two containers
  /// in one cgroup are refused.
  func dropStaleBinding(of cgroup: CgroupLocation) {
    guard let owner = gate.bindings.owner(of: cgroup.key),
      !index.isKnown(cgroup.key),
      !isRunning(owner, in: cgroup)
    else { return }
    let ruleSet = gate.bindings.id(of: cgroup.key).map(gate.bindings.ruleSet)
    gate.bindings.unbind(cgroup.key)
    if let ruleSet { release(ruleSet) }
    log.warning("the binding of a container that ended was removed", metadata: ["cgroup": "\(cgroup.path)"])
  }

  private func isRunning(_ owner: BindingTable.Owner, in cgroup: CgroupLocation) -> Bool {
    guard proc.isAlive(owner.initPid, since: owner.initStartTicks) else { return false }
    if owner.initStartTicks != nil { return true }
    let line = (try? proc.cgroups(owner.initPid))?.first { $0.hierarchy == cgroup.hierarchy }
    return line.map { ($0.path + "/").hasPrefix(cgroup.path + "/") } ?? true
  }
}

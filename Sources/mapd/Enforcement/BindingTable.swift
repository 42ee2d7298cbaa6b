// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract

/// A cgroup as the gate knows it. Ids of different hierarchies never compare.
public struct CgroupKey: Hashable, Codable, Sendable {
  /// The kernel's id of the cgroup: the inode number of its directory.
  public var id: UInt64
  /// 0 is cgroup2, else the v1 hierarchy's number in /proc/<pid>/cgroup.
  public var hierarchy: UInt32

  public init(id: UInt64, hierarchy: UInt32 = 0) {
    self.id = id
    self.hierarchy = hierarchy
  }

  init(_ key: hf_cgroup_key) {
    self.init(id: key.id, hierarchy: key.hierarchy)
  }

  var contract: hf_cgroup_key { hf_cgroup_key(id: id, hierarchy: hierarchy, pad: 0) }
}

/// What the gate must know of a container, found out by Admission.
public struct NewBinding: Sendable {
  public struct Overlay: Sendable, Equatable {
    /// The kernel's device number of the upper layer's filesystem.
    public var device: UInt32
    public var upperInode: UInt64
    public var workInode: UInt64

    public init(device: UInt32, upperInode: UInt64, workInode: UInt64) {
      self.device = device
      self.upperInode = upperInode
      self.workInode = workInode
    }
  }

  public enum Controller: UInt32, Sendable {
    case none = 0, pids, memory
  }

  public var cgroup: CgroupKey
  /// Components of the cgroup's path below its hierarchy's root.
  public var level: Int
  /// Which v1 controller the hierarchy carries, for a v1 binding.
  public var controller: Controller
  public var mountNamespace: UInt32
  public var pidNamespace: UInt32
  /// Made for this container: in map `pidns`.
  public var hasOwnPidNamespace: Bool
  public var initPid: Int32
  /// Field 22 of /proc/<pid>/stat.
  public var initStartTicks: UInt64
  public var overlay: Overlay?
  /// Set when the container runs already: the id of its root mount.
  public var runningRootMount: UInt32?
  /// CLOCK_REALTIME; files changed later are not the image's.
  public var startedSeconds: Int64
  public var startedNanoseconds: UInt32

  public init(
    cgroup: CgroupKey, level: Int, controller: Controller, mountNamespace: UInt32, pidNamespace: UInt32,
    hasOwnPidNamespace: Bool, initPid: Int32, initStartTicks: UInt64, overlay: Overlay?,
    runningRootMount: UInt32?, startedSeconds: Int64, startedNanoseconds: UInt32
  ) {
    self.cgroup = cgroup
    self.level = level
    self.controller = controller
    self.mountNamespace = mountNamespace
    self.pidNamespace = pidNamespace
    self.hasOwnPidNamespace = hasOwnPidNamespace
    self.initPid = initPid
    self.initStartTicks = initStartTicks
    self.overlay = overlay
    self.runningRootMount = runningRootMount
    self.startedSeconds = startedSeconds
    self.startedNanoseconds = startedNanoseconds
  }
}

/// The bindings in the kernel: maps `bindings`, `pidns`, `assignments` and the levels in
/// `config`. A binding is made last and goes first, so that it is never half there.
public final class BindingTable: @unchecked Sendable {
  let bindings: BPFMap<hf_cgroup_key, hf_binding>
  let pidNamespaces: BPFMap<UInt32, hf_pid_ns>
  private let assignments: MappedArray<UInt64>
  private let config: MappedArray<hf_config>
  /// Level by binding, to know when a level carries none any more.
  private var levels: [CgroupKey: Int] = [:]
  private var ids: [UInt32: CgroupKey] = [:]
  private var freeIDs: FreeNumbers
  /// What each binding is assigned to, and how many are to each rule set.
  private var assigned: [UInt32: UInt32] = [:]
  private var users: [UInt32: Int] = [:]

  init(
    bindings: BPFMap<hf_cgroup_key, hf_binding>, pidNamespaces: BPFMap<UInt32, hf_pid_ns>,
    assignments: MappedArray<UInt64>, config: MappedArray<hf_config>
  ) {
    self.bindings = bindings
    self.pidNamespaces = pidNamespaces
    self.assignments = assignments
    self.config = config
    for key in bindings.keys() {
      guard let binding = bindings[key] else { continue }
      ids[binding.id] = CgroupKey(key)
    }
    freeIDs = FreeNumbers(0..<UInt32(bindings.maximum), without: ids.keys)
    for id in ids.keys { note(id, assignedTo: ruleSet(of: id)) }
    removeLonePidNamespaces()
  }

  /// A bind() or unbind() that was cut off leaves a pid namespace without its binding.
  private func removeLonePidNamespaces() {
    for number in pidNamespaces.keys() {
      guard let entry = pidNamespaces[number], bindings[entry.binding] == nil else { continue }
      pidNamespaces.remove(number)
    }
  }

  public var count: Int { ids.count }
  public var maximum: Int { bindings.maximum }
  public var keys: [CgroupKey] { Array(ids.values) }

  public func id(of cgroup: CgroupKey) -> UInt32? { bindings[cgroup.contract]?.id }
  public func cgroup(of id: UInt32) -> CgroupKey? { ids[id] }
  /// Whose a binding is.
  public struct Owner: Sendable {
    public var initPid: Int32
    /// nil in a shared pid namespace, where the map does not tell.
    public var initStartTicks: UInt64?
  }

  public func owner(of cgroup: CgroupKey) -> Owner? {
    guard let binding = bindings[cgroup.contract] else { return nil }
    let entry = pidNamespaces[binding.pid_ns].flatMap { CgroupKey($0.binding) == cgroup ? $0 : nil }
    return Owner(initPid: Int32(bitPattern: binding.init_tgid), initStartTicks: entry?.init_start_ticks)
  }

  public func isSealed(_ cgroup: CgroupKey) -> Bool {
    (bindings[cgroup.contract]?.flags ?? 0) & HF_BINDING_SEALED != 0
  }

  /// After a restart: at which level a binding found pinned sits.
  public func recall(_ cgroup: CgroupKey, level: Int) {
    levels[cgroup] = level
  }

  public func ruleSet(of id: UInt32) -> UInt32 { hf_load_u32(assignment(id)) }

  /// One 4-byte store: every exec of the container after it is judged by the other rule set.
  public func assign(_ id: UInt32, _ ruleSet: UInt32) {
    store(id, ruleSet)
    if ids[id] != nil { note(id, assignedTo: ruleSet) }
  }

  private func store(_ id: UInt32, _ ruleSet: UInt32) {
    FaultPoint.pass("binding \(id) is assigned")
    hf_store_u32(assignment(id), ruleSet)
  }

  /// Is a binding assigned to this rule set, one without a record among them?
  public func isAssigned(_ ruleSet: UInt32) -> Bool { users[ruleSet] != nil }

  /// - Parameter ruleSet: nil when the binding is gone.
  private func note(_ id: UInt32, assignedTo ruleSet: UInt32?) {
    if let old = assigned[id], let count = users[old] { users[old] = count > 1 ? count - 1 : nil }
    assigned[id] = ruleSet
    if let ruleSet { users[ruleSet, default: 0] += 1 }
  }

  /// The id that the next binding gets.
  public func nextID() throws(EnforcementError) -> UInt32 {
    guard let id = freeIDs.next else {
      throw EnforcementError(
        "map bindings is full (\(bindings.maximum) containers)", kind: .full,
        remedy: "raise --max-bindings; it takes effect when the pins are made anew")
    }
    return id
  }

  /// Puts a container under a rule set. Nothing is changed when it throws.
  public func bind(_ new: NewBinding, to ruleSet: UInt32) throws(EnforcementError) -> UInt32 {
    if let old = bindings[new.cgroup.contract] {
      throw EnforcementError(
        "cgroup \(new.cgroup.id) is already bound (binding \(old.id))", kind: .unsupported,
        remedy: "give each container a cgroup of its own")
    }
    let id = try nextID()
    let levelsBefore = hf_load_u64(levelsWord)
    try admitLevel(new)
    store(id, ruleSet)
    do throws(EnforcementError) {
      try insert(new, id: id)
    } catch {
      store(id, 0)
      hf_store_u64(levelsWord, levelsBefore)
      levels[new.cgroup] = nil
      throw error
    }
    ids[id] = new.cgroup
    freeIDs.takeNext()
    note(id, assignedTo: ruleSet)
    return id
  }

  /// Both entries or none.
  private func insert(_ new: NewBinding, id: UInt32) throws(EnforcementError) {
    if new.hasOwnPidNamespace {
      try pidNamespaces.insert(
        hf_pid_ns(binding: new.cgroup.contract, init_start_ticks: new.initStartTicks), for: new.pidNamespace)
    }
    do throws(EnforcementError) {
      try bindings.insert(new.contract(id: id), for: new.cgroup.contract)
    } catch {
      if new.hasOwnPidNamespace { pidNamespaces.remove(new.pidNamespace) }
      throw error
    }
  }

  /// The container is gone. False when it was not bound.
  @discardableResult
  public func unbind(_ cgroup: CgroupKey) -> Bool {
    guard let binding = bindings[cgroup.contract] else { return false }
    bindings.remove(cgroup.contract)
    // The number may be another container's by now.
    if let entry = pidNamespaces[binding.pid_ns], CgroupKey(entry.binding) == cgroup {
      pidNamespaces.remove(binding.pid_ns)
    }
    if ids[binding.id] == cgroup {
      ids[binding.id] = nil
      freeIDs.giveBack(binding.id)
      note(binding.id, assignedTo: nil)
    }
    // The assignment stays until the id is used again: an exec that is being judged may read it.
    levels[cgroup] = nil
    return true
  }

  private func assignment(_ id: UInt32) -> UnsafeMutablePointer<UInt32> {
    UnsafeMutableRawPointer(assignments.base + Int(id)).assumingMemoryBound(to: UInt32.self)
  }

  /// Makes the gate look at the binding's level, or in its hierarchy.
  private func admitLevel(_ new: NewBinding) throws(EnforcementError) {
    if new.cgroup.hierarchy != 0 {
      let current = config.base.pointee.v1_hierarchy
      guard current == 0 || current == new.cgroup.hierarchy else {
        throw EnforcementError(
          "cgroup v1 hierarchy \(new.cgroup.hierarchy) differs from hierarchy \(current), which other containers are bound in",
          kind: .unsupported)
      }
      FaultPoint.pass("the v1 hierarchy is written")
      config.base.pointee.v1_controller = new.controller.rawValue
      config.base.pointee.v1_hierarchy = new.cgroup.hierarchy
      return
    }
    guard (1...Int(HF_CGROUP_LEVEL_MAX)).contains(new.level) else {
      throw EnforcementError(
        "the container's cgroup is at level \(new.level); levels 1 to \(HF_CGROUP_LEVEL_MAX) can be bound",
        kind: .unsupported, remedy: "give the container a cgroup of its own")
    }
    var present = Set(Self.unpack(hf_load_u64(levelsWord)))
    guard !present.contains(new.level) else { levels[new.cgroup] = new.level; return }
    // Levels of an earlier mapd may carry nothing any more; drop only what is known.
    let used = Set(levels.values)
    if present.count >= Int(HF_BOUND_LEVELS_MAX), levels.count == ids.count { present = used }
    guard present.count < Int(HF_BOUND_LEVELS_MAX) else {
      throw EnforcementError(
        "containers sit at \(HF_BOUND_LEVELS_MAX) different cgroup levels already", kind: .full,
        remedy: "place containers at the same depth of the cgroup tree")
    }
    present.insert(new.level)
    FaultPoint.pass("the levels are written")
    hf_store_u64(levelsWord, Self.pack(present))
    levels[new.cgroup] = new.level
  }

  private var levelsWord: UnsafeMutablePointer<UInt64> {
    UnsafeMutableRawPointer(config.base)
      .advanced(by: MemoryLayout<hf_config>.offset(of: \.levels)!)
      .assumingMemoryBound(to: UInt64.self)
  }

  /// A byte each, deepest first.
  static func pack(_ levels: Set<Int>) -> UInt64 {
    levels.sorted(by: >).enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
  }

  static func unpack(_ word: UInt64) -> [Int] {
    (0..<8).map { Int(word >> UInt64(8 * $0) & 0xff) }.filter { $0 != 0 }
  }
}

extension NewBinding {
  func contract(id: UInt32) -> hf_binding {
    var binding = hf_binding()
    binding.id = id
    binding.mnt_ns = mountNamespace
    binding.pid_ns = pidNamespace
    binding.init_tgid = UInt32(bitPattern: initPid)
    binding.started_sec = startedSeconds
    binding.started_nsec = startedNanoseconds
    if hasOwnPidNamespace { binding.flags |= HF_BINDING_OWN_PID_NS }
    if let overlay {
      binding.flags |= HF_BINDING_OVERLAY
      binding.upper_dev = overlay.device
      binding.upper_ino = overlay.upperInode
      binding.work_ino = overlay.workInode
    }
    if let runningRootMount {
      binding.flags |= HF_BINDING_SEAL_ANY
      binding.root_mnt_id = runningRootMount
    }
    return binding
  }
}

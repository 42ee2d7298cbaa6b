// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc
import Shared

/// The gate as it stands in the kernel: attached, with its maps.
public final class Gate: @unchecked Sendable {
  public struct Options: Sendable {
    public enum Choice: Sendable, Equatable {
      case best
      case only(AttachPoint)
      /// Maps without programs: nothing is enforced. For tests that must fail then.
      case nothing

      fileprivate var name: String {
        switch self {
        case .best: "best"
        case .only(let point): point.rawValue
        case .nothing: "nothing"
        }
      }
    }

    public var object: String
    /// Directory on a bpf filesystem.
    public var pinRoot: String
    public var attach: Choice
    public var sizes: MapSizes
    /// File for a note to the next mapd, which then starts faster. nil: none.
    public var note: String?

    public init(
      object: String, pinRoot: String, attach: Choice, sizes: MapSizes = MapSizes(), note: String? = nil
    ) {
      self.object = object
      self.pinRoot = pinRoot
      self.attach = attach
      self.sizes = sizes
      self.note = note
    }
  }

  /// An attach point that was passed over, and the check that failed.
  public struct Refusal: Sendable {
    public var attach: AttachPoint
    public var reason: String
  }

  /// Of the object, and of what is pinned.
  public let layout: Int
  public let features: KernelFeatures
  public let pinDirectory: String
  /// Which of the gate's files it is of.
  public let file: String
  /// False where the mapd before has left all as this one would make it.
  public let wasLoaded: Bool
  /// nil: nothing is attached, nothing is enforced.
  public let attachPoint: AttachPoint?
  public let refusals: [Refusal]
  /// The maps were there already.
  public let adopted: Bool
  public let ruleSets: RuleSetTable
  public let bindings: BindingTable
  public let counters: Counters
  public let reports: ReportTable
  /// What was found among the pins that was not as it should be, and what became of it.
  public let notes: [String]
  private let lock: Int32
  private let eventsDescriptor: Int32
  private let secret: PathSecret
  private let config: MappedArray<hf_config>
  private let holder: PinHolder
  /// Gates of other layouts that are still attached.
  private var predecessors: [Predecessor]

  /// Takes over what is pinned, or makes it; attaches the best program that this kernel takes.
  public init(_ options: Options) throws(EnforcementError) {
    features = KernelFeatures.read()
    guard features.hasBTF else {
      throw EnforcementError(
        "/sys/kernel/btf/vmlinux cannot be read", kind: .unsupported,
        remedy: "use a kernel built with CONFIG_DEBUG_INFO_BTF")
    }
    let first = try GateObject(path: options.object)
    layout = first.layout
    let specs = try first.checkedSpecs()
    let pins = Pins(root: options.pinRoot, layout: layout)
    try pins.prepare()
    lock = try pins.lock()
    pinDirectory = pins.directory

    var (state, notes) = try PinRepair(pins: pins, specs: specs).run()
    predecessors = pins.others().compactMap { Predecessor($0) }
    // Maps that no program uses, beside a gate that is attached: a carry-over that was cut off.
    if state == .whole, !predecessors.isEmpty, pins.links().isEmpty {
      notes.append("a change of layout that was cut off begins anew")
      pins.removeAll()
      try pins.prepare()
      state = .empty
    }
    let isWhole = state == .whole
    let source = isWhole ? nil : predecessors.last { $0.isCompatible(with: specs) }
    adopted = isWhole || source != nil
    let sizes = try source?.share(with: pins, specs: specs) ?? [:]
    for predecessor in predecessors {
      notes.append(
        "a gate of \(predecessor.pins.directory) is attached; it enforces until this one has taken over"
          + (predecessor === source ? ", with all that it holds" : ""))
    }

    let files = try GateFiles(path: options.object, configured: first, kernel: features)
    if let note = files.note { notes.append(note) }
    // As they are before one is loaded: one that an upgrade replaces meanwhile is not noted as attached.
    let filesBefore = files.paths.compactMap(AttachedGate.File.init)
    let loaded: Loaded
    if isWhole, predecessors.isEmpty,
      let standing = try Self.standing(options, file: files.paths[0], features: features, pins: pins)
    {
      loaded = standing
    } else {
      loaded = try Self.load(options, files: files.paths, features: features, pins: pins, carried: sizes)
    }
    wasLoaded = loaded.links == nil
    let object = loaded.object
    file = loaded.file
    attachPoint = loaded.attachPoint
    refusals = loaded.refusals
    notes += loaded.notes
    let maps = try object.maps()
    try source?.copy(to: maps)
    if isWhole { for predecessor in predecessors { predecessor.resume(with: maps) } }
    for leftover in pins.others().compactMap(Predecessor.init(leftover:)) {
      notes.append("pins in \(leftover.pins.directory) that hold no gate were removed")
      if isWhole { leftover.resume(with: maps) }
      for problem in leftover.detach() { notes.append("\(problem)") }
    }

    config = try MappedArray<hf_config>(
      name: "config", descriptor: try object.descriptor(of: "config"), count: 1)
    secret = try Self.secret(config)
    // What was reported to the mapd before is news to this one.
    FaultPoint.pass("the epoch is written")
    config.base.pointee.epoch += 1
    // Whoever followed the mapd before is gone.
    config.base.pointee.traced = 0
    ruleSets = RuleSetTable(
      rules: BPFMap(
        name: "rules", descriptor: try object.descriptor(of: "rules"), maximum: try object.size(of: "rules")),
      words: try MappedArray(
        name: "rulesets", descriptor: try object.descriptor(of: "rulesets"),
        count: try object.size(of: "rulesets")),
      chains: BPFMap(
        name: "chains", descriptor: try object.descriptor(of: "chains"), maximum: try object.size(of: "chains")),
      secret: secret)
    bindings = BindingTable(
      bindings: BPFMap(
        name: "bindings", descriptor: try object.descriptor(of: "bindings"),
        maximum: try object.size(of: "bindings")),
      pidNamespaces: BPFMap(
        name: "pidns", descriptor: try object.descriptor(of: "pidns"), maximum: try object.size(of: "pidns")),
      assignments: try MappedArray(
        name: "assignments", descriptor: try object.descriptor(of: "assignments"),
        count: try object.size(of: "assignments")),
      config: config)
    counters = Counters(descriptor: try object.descriptor(of: "counters"))
    reports = ReportTable(
      BPFMap(
        name: "reports", descriptor: try object.descriptor(of: "reports"),
        maximum: try object.size(of: "reports")))
    eventsDescriptor = try object.descriptor(of: "events")

    // Last: with a secret in place and the maps taken over.
    FaultPoint.pass("the overlap is written")
    config.base.pointee.overlap = predecessors.isEmpty ? 0 : 1
    let (links, replaced) =
      if let standing = loaded.links {
        (standing, [String]())
      } else {
        try Self.attach(attachPoint, object: object, pins: pins, config: config)
      }
    if !replaced.isEmpty {
      notes.append("the gate's program was replaced by that of this release")
      Self.waitForPrograms()
      if predecessors.isEmpty { config.base.pointee.overlap = 0 }
    }
    holder = PinHolder(pins: pins, maps: maps, links: links)
    if !predecessors.isEmpty {
      // Execs that only the old gate judges may still seal a binding of its.
      Self.waitForPrograms()
      for predecessor in predecessors { try predecessor.carrySeals() }
    }
    self.notes = notes
    if let note = options.note, let attachPoint, let known = filesBefore.first(where: { $0.path == loaded.file }) {
      AttachedGate(
        boot: AttachedGate.thisBoot, file: known, choice: options.attach.name, lsmList: features.lsmList,
        attach: attachPoint.rawValue,
        refusals: refusals.map { .init(attach: $0.attach.rawValue, reason: $0.reason) },
        programs: AttachedGate.programs(links)
      ).write(note)
    }
  }

  deinit {
    close(eventsDescriptor)
    close(lock)
  }

  /// Detaches the gates of other layouts, when every container is known to this one.
  /// - Returns: what of theirs could not be carried over.
  public func detachPredecessors() -> [EnforcementError] {
    guard !predecessors.isEmpty, attachPoint != nil else { return [] }
    let problems = predecessors.flatMap { $0.detach() }
    predecessors = []
    FaultPoint.pass("the overlap is written")
    config.base.pointee.overlap = 0
    return problems
  }

  /// Sees to it that everything is still pinned; call it now and then. While mapd runs it
  /// holds the gate itself, so that pins which somebody removed can be made anew in time.
  /// - Returns: what had to be done, and what could not be.
  public func keepPinned() -> (restored: [String], problem: String?) { holder.keep() }

  /// Every exec of one binding, or of all, is told as an event: what `traced` says of hf_config.
  public enum Traced: Equatable, Sendable {
    case nothing
    case binding(UInt32)
    case all
  }

  public func trace(_ traced: Traced) {
    config.base.pointee.traced =
      switch traced {
      case .nothing: 0
      case .binding(let id): id + 1
      case .all: HF_TRACE_ALL
      }
  }

  /// The programs that are attached, as the kernel counts them.
  public func programs() -> [ProgramUse] { holder.programs() }

  /// Bytes of kernel memory by map.
  public func mapMemory() -> [String: UInt64] { holder.memory() }

  /// Returns when every exec that is being judged now has been decided and reported.
  public static func waitForPrograms() {
    if hf_wait_for_programs() != 0 { usleep(100_000) }
  }

  public func events(
    _ receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) throws(EnforcementError) -> EventReader {
    try EventReader(descriptor: eventsDescriptor, receive: receive)
  }

  /// Do the gate and this process have the same key for an event's path? False means that a
  /// policy's rules and the kernel's walk mean different files, or that the file was renamed
  /// in between; it is counted in status.
  /// True where there is nothing to compare: no path, or not the whole of it.
  public func agrees(on event: GateEvent) -> Bool {
    guard event.hasWholePath, event.key.path != [0, 0] else { return true }
    guard let key = try? PathKey(secret: secret, path: event.path) else { return false }
    return [key.lane0, key.lane1] == event.key.path
  }

  private struct Loaded {
    var object: GateObject
    var file: String
    var attachPoint: AttachPoint?
    var refusals: [Refusal] = []
    var notes: [String] = []
    /// What is attached already, where that is known to be of the object.
    var links: [PinnedLink]?
  }

  /// What is attached, when the mapd before has noted that it is what this one would attach.
  private static func standing(
    _ options: Options, file: String, features: KernelFeatures, pins: Pins
  ) throws(EnforcementError) -> Loaded? {
    let links = pins.links()
    guard let note = options.note, let noted = AttachedGate.read(note), let point = AttachPoint(rawValue: noted.attach),
      links.count == point.programs.count,
      noted.holds(file: file, choice: options.attach.name, lsmList: features.lsmList, links: links, pins: pins)
    else { return nil }
    let object = try GateObject(path: file)
    try object.reuse(pins)
    let refusals = noted.refusals.compactMap { one in
      AttachPoint(rawValue: one.attach).map { Refusal(attach: $0, reason: one.reason) }
    }
    return Loaded(object: object, file: file, attachPoint: point, refusals: refusals, links: links)
  }

  /// The best attach point that takes any of the files, and of these the best.
  private static func load(
    _ options: Options, files: [String], features: KernelFeatures, pins: Pins, carried: [String: Int]
  ) throws(EnforcementError) -> Loaded {
    var refusals: [Refusal] = []
    let candidates: [AttachPoint?]
    switch options.attach {
    case .best: candidates = AttachPoint.allCases
    case .only(let point): candidates = [point]
    case .nothing: candidates = [nil]
    }
    for point in candidates {
      if point == .lsm, !features.hasBPFLSM {
        // Attached all the same it would do nothing.
        let reason =
          features.lsmList.isEmpty
          ? "the kernel's LSM list cannot be read; mount securityfs on /sys/kernel/security"
          : "bpf is not in the kernel's LSM list (\(features.lsmList.joined(separator: ","))); "
            + "add it with lsm= on the kernel command line"
        refusals.append(Refusal(attach: .lsm, reason: reason))
        continue
      }
      var problems: [String] = []
      for file in files {
        do throws(EnforcementError) {
          let object = try GateObject(path: file)
          try object.load(point, sizes: options.sizes, pins: pins, carried: carried)
          return Loaded(object: object, file: file, attachPoint: point, refusals: refusals, notes: problems)
        } catch {
          guard let point else { throw error }
          guard file == files.last else {
            problems.append("\(file) is not used: \(error)")
            continue
          }
          refusals.append(Refusal(attach: point, reason: "\(error)"))
        }
      }
    }
    let reasons = refusals.map { "\($0.attach.rawValue): \($0.reason)" }.joined(separator: "; ")
    throw EnforcementError(
      "no attach point can be used on Linux \(features.release) (\(reasons))", kind: .unsupported)
  }

  /// A pinned program with the same instructions goes on as it is; another one is attached
  /// before the old one is let go.
  /// - Returns: the links in force, and the paths whose program is another than before.
  private static func attach(
    _ point: AttachPoint?, object: GateObject, pins: Pins, config: MappedArray<hf_config>
  ) throws(EnforcementError) -> ([PinnedLink], [String]) {
    guard let point else { return ([], []) }
    var old = Dictionary(pins.links().map { ($0.path, $0) }) { first, _ in first }
    var links: [PinnedLink] = []
    for program in point.programs {
      let path = pins.link(program)
      if let link = old[path], try object.isBehind(link, program) {
        links.append(link)
        old[path] = nil
      } else {
        if !old.isEmpty { config.base.pointee.overlap = 1 }
        links.append(try object.attach(program, pins: pins))
      }
    }
    let replaced = old.keys.sorted()
    for path in replaced where !links.contains(where: { $0.path == path }) {
      FaultPoint.pass("\(path) is unpinned")
      unlink(path)
    }
    // The last reference goes here: detached now, not when the kernel gets to it.
    old = [:]
    return (links, replaced)
  }

  /// The secret of the path keys, made once: rules in the maps are keyed with it.
  private static func secret(_ config: MappedArray<hf_config>) throws(EnforcementError) -> PathSecret {
    var words = config.base.pointee.secret
    if words == (0, 0, 0, 0) {
      let size = MemoryLayout.size(ofValue: words)
      guard getrandom(&words, size, 0) == size else {
        throw EnforcementError.current("get \(size) random bytes for the path keys")
      }
      FaultPoint.pass("the secret is written")
      config.base.pointee.secret = words
    }
    return PathSecret(words.0, words.1, words.2, words.3)
  }
}

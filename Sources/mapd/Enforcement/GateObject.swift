// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc

/// Sizes of the maps, in entries; the events ring in bytes, a power of two.
public struct MapSizes: Sendable {
  public var bindings = Int(HF_BINDINGS_MAX)
  public var ruleSets = Int(HF_RULE_SETS_MAX)
  public var rules = Int(HF_RULES_MAX)
  public var reports = Int(HF_REPORTS_MAX)
  public var eventBytes = Int(HF_EVENTS_BYTES)

  public init() {}

  fileprivate var byMap: [String: Int] {
    [
      "bindings": bindings, "pidns": bindings, "assignments": bindings, "rulesets": ruleSets,
      "rules": rules, "reports": reports, "events": eventBytes,
    ]
  }
}

/// Owns the opened and loaded BPF object. Pinned maps are taken over by load().
final class GateObject {
  private let object: OpaquePointer
  /// Maps that outlive mapd; `slots` is scratch.
  static let pinnedMaps = [
    "config", "bindings", "pidns", "assignments", "rulesets", "rules", "reports", "events", "counters", "chains",
  ]

  init(path: String) throws(EnforcementError) {
    LibbpfLog.install()
    libbpf_set_strict_mode(LIBBPF_STRICT_ALL)
    guard let object = bpf_object__open_file(path, nil) else {
      throw EnforcementError.current(
        "open the gate's object \(path)", remedy: "install it, or name it with --gate-object")
    }
    self.object = object
  }

  deinit { bpf_object__close(object) }

  /// Which layout its maps have: HF_LAYOUT of its contract.
  var layout: Int { Int(bpf_object__kversion(object)) }

  /// What it asks of the pinned maps, before load().
  func specs() throws(EnforcementError) -> [String: MapSpec] {
    var specs: [String: MapSpec] = [:]
    for name in Self.pinnedMaps {
      let map = try map(name)
      specs[name] = MapSpec(
        type: bpf_map__type(map).rawValue, keySize: Int(bpf_map__key_size(map)),
        valueSize: Int(bpf_map__value_size(map)))
    }
    return specs
  }

  /// specs(), when mapd can work with these maps: values may be longer than its own structs,
  /// for an object of a later layout, not shorter.
  func checkedSpecs() throws(EnforcementError) -> [String: MapSpec] {
    let specs = try specs()
    let least = [
      "config": MemoryLayout<hf_config>.size, "bindings": MemoryLayout<hf_binding>.size,
      "pidns": MemoryLayout<hf_pid_ns>.size, "rules": 8, "reports": MemoryLayout<hf_report>.size,
    ]
    for (name, size) in least where specs[name]!.valueSize < size {
      throw EnforcementError(
        "the gate's object has layout \(layout), mapd has \(HF_LAYOUT): values of map \(name) are too short",
        kind: .unsupported, remedy: "install the gate object of the same release as mapd, or a later one")
    }
    guard layout > 0 else {
      throw EnforcementError(
        "the gate's object does not say its layout", kind: .unsupported,
        remedy: "install the gate object of the same release as mapd")
    }
    return specs
  }

  /// Loads the programs of `attachPoint` and the maps; a pinned map of the same name is used.
  /// - Parameter carried: sizes of maps whose contents are to be carried over.
  func load(
    _ attachPoint: AttachPoint?, sizes: MapSizes, pins: Pins, carried: [String: Int] = [:]
  ) throws(EnforcementError) {
    for program in AttachPoint.allPrograms {
      guard let handle = bpf_object__find_program_by_name(object, program) else { continue }
      bpf_program__set_autoload(handle, attachPoint?.programs.contains(program) ?? false)
    }
    for (name, size) in sizes.byMap {
      // A pinned map keeps its size until the pins are removed.
      let size = MapHandle(pinned: pins.map(name))?.info.maximum ?? carried[name] ?? size
      bpf_map__set_max_entries(try map(name), UInt32(size))
    }
    for name in Self.pinnedMaps {
      let result = bpf_map__set_pin_path(try map(name), pins.map(name))
      guard result == 0 else { throw EnforcementError("set the pin path of map \(name)", code: result) }
    }
    _ = LibbpfLog.take()
    FaultPoint.pass("the maps are made")
    let result = bpf_object__load(object)
    guard result == 0 else {
      // libbpf's guess at a memory limit is for kernels before 5.11, where mapd has raised it
      let words = LibbpfLog.take().filter { !$0.contains("ulimit") }.prefix(2).joined(separator: " | ")
      throw EnforcementError("load the gate (\(words))", code: result)
    }
  }

  /// Takes over the pinned maps, all of them, without a program.
  func reuse(_ pins: Pins) throws(EnforcementError) {
    for name in Self.pinnedMaps {
      let descriptor = bpf_obj_get(pins.map(name))
      guard descriptor >= 0 else { throw .current("open map \(name)") }
      defer { close(descriptor) }
      let result = bpf_map__reuse_fd(try map(name), descriptor)
      guard result == 0 else { throw EnforcementError("take over map \(name)", code: result) }
    }
  }

  /// A descriptor of the map's own, for the caller to close.
  func descriptor(of name: String) throws(EnforcementError) -> Int32 {
    let copy = fcntl(bpf_map__fd(try map(name)), F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw EnforcementError.current("open map \(name)") }
    return copy
  }

  func size(of name: String) throws(EnforcementError) -> Int {
    Int(bpf_map__max_entries(try map(name)))
  }

  /// Attaches and pins. At no moment is there neither the old nor the new program.
  func attach(_ program: String, pins: Pins) throws(EnforcementError) -> PinnedLink {
    guard let handle = bpf_object__find_program_by_name(object, program) else {
      throw EnforcementError("the gate's object has no program \(program)", kind: .unsupported)
    }
    _ = LibbpfLog.take()
    FaultPoint.pass("program \(program) is attached")
    guard let link = bpf_program__attach(handle) else {
      let code = errno
      let words = LibbpfLog.take().last.map { " (\($0))" } ?? ""
      throw EnforcementError("attach program \(program)\(words)", code: code)
    }
    defer { bpf_link__destroy(link) }
    try pins.replace(pins.link(program)) { bpf_link__pin(link, $0) }
    // From here the pin holds the link; destroy() only drops libbpf's reference.
    bpf_link__disconnect(link)
    let path = pins.link(program)
    guard let held = PinnedLink(path, descriptor: fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 3)) else {
      throw .current("hold the link of program \(program)")
    }
    return held
  }

  private func map(_ name: String) throws(EnforcementError) -> OpaquePointer {
    guard let map = bpf_object__find_map_by_name(object, name) else {
      throw EnforcementError(
        "the gate's object has no map \(name)", kind: .unsupported,
        remedy: "install the gate object of the same release as mapd")
    }
    return map
  }

  /// The pinned maps of this object once it is loaded.
  func maps() throws(EnforcementError) -> [String: MapHandle] {
    var maps: [String: MapHandle] = [:]
    for name in Self.pinnedMaps { maps[name] = MapHandle(try descriptor(of: name)) }
    return maps
  }

  /// Is the program behind a pinned link this one, on these maps?
  func isBehind(_ link: PinnedLink, _ program: String) throws(EnforcementError) -> Bool {
    guard let handle = bpf_object__find_program_by_name(object, program), let pinned = link.program()
    else { return false }
    defer { close(pinned) }
    let own = bpf_program__fd(handle)
    let kept = Set(try Self.pinnedMaps.map { name throws(EnforcementError) in try mapID(name) })
    // The tag does not tell which maps a program uses.
    return Self.tag(ofProgram: own) == Self.tag(ofProgram: pinned)
      && Self.maps(ofProgram: own).intersection(kept) == Self.maps(ofProgram: pinned).intersection(kept)
  }

  private func mapID(_ name: String) throws(EnforcementError) -> UInt32 {
    var info = bpf_map_info()
    var size = UInt32(MemoryLayout<bpf_map_info>.size)
    guard bpf_obj_get_info_by_fd(bpf_map__fd(try map(name)), &info, &size) == 0 else {
      throw EnforcementError.current("read the id of map \(name)")
    }
    return info.id
  }

  static func maps(ofProgram descriptor: Int32) -> Set<UInt32> {
    var ids = [UInt32](repeating: 0, count: 64)
    return ids.withUnsafeMutableBufferPointer { buffer in
      var info = bpf_prog_info()
      info.nr_map_ids = UInt32(buffer.count)
      info.map_ids = UInt64(UInt(bitPattern: buffer.baseAddress))
      var size = UInt32(MemoryLayout<bpf_prog_info>.size)
      guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { return [] }
      return Set(buffer.prefix(Int(info.nr_map_ids)))
    }
  }

  /// The kernel's digest of a program: equal for equal instructions.
  private static func tag(ofProgram descriptor: Int32) -> UInt64? {
    var info = bpf_prog_info()
    var size = UInt32(MemoryLayout<bpf_prog_info>.size)
    guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { return nil }
    return withUnsafeBytes(of: &info.tag) { $0.loadUnaligned(as: UInt64.self) }
  }
}

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
    "config", "bindings", "pidns", "assignments", "rulesets", "rules", "reports", "events", "counters",
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

  /// Loads the programs of `attachPoint` and the maps; a pinned map of the same name is used.
  func load(_ attachPoint: AttachPoint?, sizes: MapSizes, pins: Pins) throws(EnforcementError) {
    for program in AttachPoint.allPrograms {
      guard let handle = bpf_object__find_program_by_name(object, program) else { continue }
      bpf_program__set_autoload(handle, attachPoint?.programs.contains(program) ?? false)
    }
    for (name, size) in sizes.byMap {
      // A pinned map keeps its size until the pins are removed.
      let size = Self.pinnedSize(pins.map(name)) ?? size
      bpf_map__set_max_entries(try map(name), UInt32(size))
    }
    for name in Self.pinnedMaps {
      let result = bpf_map__set_pin_path(try map(name), pins.map(name))
      guard result == 0 else { throw EnforcementError("set the pin path of map \(name)", code: result) }
    }
    _ = LibbpfLog.take()
    let result = bpf_object__load(object)
    guard result == 0 else {
      // libbpf's guess at a memory limit is for kernels before 5.11, where mapd has raised it
      let words = LibbpfLog.take().filter { !$0.contains("ulimit") }.prefix(2).joined(separator: " | ")
      throw EnforcementError("load the gate (\(words))", code: result)
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
  func attach(_ program: String, pins: Pins) throws(EnforcementError) {
    guard let handle = bpf_object__find_program_by_name(object, program) else {
      throw EnforcementError("the gate's object has no program \(program)", kind: .unsupported)
    }
    _ = LibbpfLog.take()
    guard let link = bpf_program__attach(handle) else {
      let code = errno
      let words = LibbpfLog.take().last.map { " (\($0))" } ?? ""
      throw EnforcementError("attach program \(program)\(words)", code: code)
    }
    defer { bpf_link__destroy(link) }
    try pins.replace(pins.link(program)) { bpf_link__pin(link, $0) }
    // From here the pin holds the link; destroy() only drops this process's reference.
    bpf_link__disconnect(link)
  }

  private func map(_ name: String) throws(EnforcementError) -> OpaquePointer {
    guard let map = bpf_object__find_map_by_name(object, name) else {
      throw EnforcementError(
        "the gate's object has no map \(name)", kind: .unsupported,
        remedy: "install the gate object of the same release as mapd")
    }
    return map
  }

  private static func pinnedSize(_ path: String) -> Int? {
    let descriptor = bpf_obj_get(path)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var info = bpf_map_info()
    var size = UInt32(MemoryLayout<bpf_map_info>.size)
    guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { return nil }
    return Int(info.max_entries)
  }

  /// Is the program behind a pinned link this one, on these maps?
  func isPinned(_ program: String, _ path: String) throws(EnforcementError) -> Bool {
    guard let handle = bpf_object__find_program_by_name(object, program),
      let pinned = Self.pinnedProgram(path)
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

  private static func maps(ofProgram descriptor: Int32) -> Set<UInt32> {
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

  /// The program behind a pinned link, nil when there is none; for the caller to close.
  private static func pinnedProgram(_ path: String) -> Int32? {
    let link = bpf_obj_get(path)
    guard link >= 0 else { return nil }
    defer { close(link) }
    var info = bpf_link_info()
    var size = UInt32(MemoryLayout<bpf_link_info>.size)
    guard bpf_obj_get_info_by_fd(link, &info, &size) == 0 else { return nil }
    let program = bpf_prog_get_fd_by_id(info.prog_id)
    return program >= 0 ? program : nil
  }

  /// The kernel's digest of a program: equal for equal instructions.
  private static func tag(ofProgram descriptor: Int32) -> UInt64? {
    var info = bpf_prog_info()
    var size = UInt32(MemoryLayout<bpf_prog_info>.size)
    guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { return nil }
    return withUnsafeBytes(of: &info.tag) { $0.loadUnaligned(as: UInt64.self) }
  }
}

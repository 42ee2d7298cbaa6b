// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// What the kernel says of a map.
struct MapInfo: Equatable, Sendable {
  let id: UInt32
  let type: UInt32
  let keySize: Int
  let valueSize: Int
  let maximum: Int
  /// At most 15 bytes.
  let name: String

  /// nil when the descriptor is not a map's.
  init?(_ descriptor: Int32) {
    var info = bpf_map_info()
    var size = UInt32(MemoryLayout<bpf_map_info>.size)
    // A link's or program's information would be taken for a map's.
    guard KernelObject.kind(of: descriptor) == .map,
      bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0
    else { return nil }
    id = info.id
    type = info.type
    keySize = Int(info.key_size)
    valueSize = Int(info.value_size)
    maximum = Int(info.max_entries)
    name = withUnsafeBytes(of: info.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// What the object asks of a map.
struct MapSpec: Equatable, Sendable {
  let type: UInt32
  let keySize: Int
  let valueSize: Int

  func fits(_ info: MapInfo) -> Bool {
    type == info.type && keySize == info.keySize && valueSize == info.valueSize
  }
}

/// Owns a map's descriptor.
final class MapHandle: Sendable {
  let descriptor: Int32
  let info: MapInfo

  /// Owns `descriptor`, also when there is no map behind it.
  init?(_ descriptor: Int32) {
    guard descriptor >= 0, let info = MapInfo(descriptor) else {
      if descriptor >= 0 { close(descriptor) }
      return nil
    }
    self.descriptor = descriptor
    self.info = info
  }

  convenience init?(pinned path: String) { self.init(bpf_obj_get(path)) }
  convenience init?(id: UInt32) { self.init(bpf_map_get_fd_by_id(id)) }

  deinit { close(descriptor) }

  /// Bytes of kernel memory, as the kernel accounts for them.
  func memory() -> UInt64? {
    let line = smallFile("/proc/self/fdinfo/\(descriptor)")?.split(separator: "\n").first { $0.hasPrefix("memlock:") }
    return line.flatMap { UInt64($0.dropFirst(8).drop { $0.isWhitespace }) }
  }

  /// All keys as bytes, at about this moment.
  func keys() -> [[UInt8]] {
    var keys: [[UInt8]] = []
    var next = [UInt8](repeating: 0, count: info.keySize)
    var result = bpf_map_get_next_key(descriptor, nil, &next)
    while result == 0, keys.count <= 2 * info.maximum {
      keys.append(next)
      var key = next
      result = bpf_map_get_next_key(descriptor, &key, &next)
    }
    return keys
  }

  subscript(key: [UInt8]) -> [UInt8]? {
    var key = key
    var value = [UInt8](repeating: 0, count: info.valueSize)
    guard bpf_map_lookup_elem(descriptor, &key, &value) == 0 else { return nil }
    return value
  }

  /// Writes as much of `value` as this map's values hold; what is missing is zero.
  func write(_ value: [UInt8], for key: [UInt8]) throws(EnforcementError) {
    FaultPoint.pass("an entry of map \(info.name) is carried over")
    var key = key
    var fitting = Array(value.prefix(info.valueSize))
    fitting += [UInt8](repeating: 0, count: info.valueSize - fitting.count)
    guard bpf_map_update_elem(descriptor, &key, &fitting, UInt64(BPF_ANY)) == 0 else {
      throw .current("write map \(info.name) while it is carried over")
    }
  }
}

/// Which sort of kernel object a descriptor of /sys/fs/bpf is.
enum KernelObject {
  case map, program, link, other

  static func kind(of descriptor: Int32) -> KernelObject {
    var target = [CChar](repeating: 0, count: 64)
    guard readlink("/proc/self/fd/\(descriptor)", &target, target.count - 1) > 0 else { return .other }
    let name = target.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name.hasSuffix("bpf-map") { return .map }
    if name.hasSuffix("bpf-prog") { return .program }
    // bpf_link, bpf-link
    return name.contains("bpf") && name.hasSuffix("link") ? .link : .other
  }
}

// SPDX-License-Identifier: Apache-2.0
import CBPF
import Glibc

/// A hash map of the gate. Key and value are structs of the contract, byte for byte. The
/// map's values may be longer, where the gate is of a later layout: the rest is zero.
final class BPFMap<Key: BitwiseCopyable, Value: BitwiseCopyable>: @unchecked Sendable {
  let name: String
  let maximum: Int
  private let descriptor: Int32
  private let valueSize: Int

  /// Owns `descriptor` from here on.
  init(name: String, descriptor: Int32, maximum: Int) {
    self.name = name
    self.descriptor = descriptor
    self.maximum = maximum
    valueSize = max(MemoryLayout<Value>.size, MapInfo(descriptor)?.valueSize ?? 0)
  }

  deinit { close(descriptor) }

  subscript(key: Key) -> Value? {
    withUnsafeTemporaryAllocation(byteCount: valueSize, alignment: 8) { value in
      var key = key
      guard bpf_map_lookup_elem(descriptor, &key, value.baseAddress) == 0 else { return nil }
      return value.load(as: Value.self)
    }
  }

  /// - Throws: kind `full` when the map takes no more entries.
  func insert(_ value: Value, for key: Key) throws(EnforcementError) {
    FaultPoint.pass("an entry of map \(name) is written")
    let (result, code) = withUnsafeTemporaryAllocation(byteCount: valueSize, alignment: 8) { bytes in
      var key = key
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      bytes.storeBytes(of: value, as: Value.self)
      let result = bpf_map_update_elem(descriptor, &key, bytes.baseAddress, UInt64(BPF_ANY))
      return (result, errno)
    }
    guard result != 0 else { return }
    if code == E2BIG {
      throw EnforcementError(
        "map \(name) is full (\(maximum) entries)", kind: .full,
        remedy: "raise its size in mapd's options and restart mapd, or bind less")
    }
    throw EnforcementError("write map \(name)", code: code)
  }

  /// True when there was an entry.
  @discardableResult
  func remove(_ key: Key) -> Bool {
    FaultPoint.pass("an entry of map \(name) is removed")
    var key = key
    return bpf_map_delete_elem(descriptor, &key) == 0
  }

  /// All keys at about this moment. Entries made or removed meanwhile may be missing or extra.
  func keys() -> [Key] {
    withUnsafeTemporaryAllocation(of: Key.self, capacity: 1) { next in
      var keys: [Key] = []
      var result = bpf_map_get_next_key(descriptor, nil, next.baseAddress)
      // A map that is written all the time could be walked without end.
      while result == 0, keys.count <= 2 * maximum {
        keys.append(next[0])
        var key = next[0]
        result = bpf_map_get_next_key(descriptor, &key, next.baseAddress)
      }
      return keys
    }
  }
}

/// An array map mapped into this process: reads and writes are single loads and stores. Its
/// first element may be longer in the map, if it is the only one.
final class MappedArray<Element: BitwiseCopyable>: @unchecked Sendable {
  let count: Int
  let base: UnsafeMutablePointer<Element>
  private let bytes: Int

  /// - Parameter stride: bytes from one element to the next in the map: a multiple of 8.
  init(name: String, descriptor: Int32, count: Int) throws(EnforcementError) {
    precondition(count == 1 || MemoryLayout<Element>.stride % 8 == 0)
    let page = Int(getpagesize())
    bytes = (count * MemoryLayout<Element>.stride + page - 1) / page * page
    let address = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    let code = errno
    close(descriptor)
    guard let address, address != MAP_FAILED else {
      throw EnforcementError("map the memory of map \(name)", code: code)
    }
    base = address.bindMemory(to: Element.self, capacity: count)
    self.count = count
  }

  deinit { munmap(base, bytes) }
}

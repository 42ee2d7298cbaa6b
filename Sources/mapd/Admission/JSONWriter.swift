// SPDX-License-Identifier: Apache-2.0
import CYajl

/// Writes JSON by yajl's generator. For what is written at each start of a container, where Foundation's
/// encoder takes longer than all else; and so without its reflection, field by field.
public final class JSONWriter {
  private let generator: yajl_gen

  public init() {
    guard let generator = yajl_gen_alloc(nil) else { fatalError("no memory for a JSON text") }
    self.generator = generator
  }

  deinit { yajl_gen_free(generator) }

  public var bytes: [UInt8] {
    var start: UnsafePointer<UInt8>?
    var count = 0
    yajl_gen_get_buf(generator, &start, &count)
    return Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// A key or a value.
  public func string(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      // An empty one may have no address.
      withUnsafePointer(to: UInt8(0)) { nothing in
        _ = yajl_gen_string(generator, bytes.baseAddress ?? nothing, bytes.count)
      }
    }
  }

  public func number(_ value: some BinaryInteger) {
    var digits = String(value)
    digits.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { _ = yajl_gen_number(generator, $0.baseAddress!, $0.count) }
    }
  }

  public func bool(_ value: Bool) { yajl_gen_bool(generator, value ? 1 : 0) }

  public func object(_ members: () -> Void) {
    yajl_gen_map_open(generator)
    members()
    yajl_gen_map_close(generator)
  }

  public func array<Element>(_ elements: some Sequence<Element>, _ write: (Element) -> Void) {
    yajl_gen_array_open(generator)
    for element in elements { write(element) }
    yajl_gen_array_close(generator)
  }

  /// Absent when it is nil.
  func member(_ key: String, _ value: String?) {
    guard let value else { return }
    string(key)
    string(value)
  }

  func member(_ key: String, _ value: some BinaryInteger) {
    string(key)
    number(value)
  }

  func member(_ key: String, _ value: Bool) {
    string(key)
    bool(value)
  }

  func member(_ key: String, _ values: [String: String]) {
    string(key)
    object { for (key, value) in values { member(key, value) } }
  }

  func member<Element>(_ key: String, each elements: [Element], _ write: (Element) -> Void) {
    string(key)
    array(elements, write)
  }

  func member(_ key: String, _ members: () -> Void) {
    string(key)
    object(members)
  }
}

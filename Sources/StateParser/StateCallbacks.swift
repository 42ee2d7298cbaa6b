// SPDX-License-Identifier: Apache-2.0

// What yajl calls. Top-level functions of the C convention in a file of their own: they
// capture nothing and only hand on to the StateCollector behind `context`.

import CYajl

typealias Context = UnsafeMutableRawPointer?

func stateCallbacks() -> yajl_callbacks {
  yajl_callbacks(
    yajl_null: onNull, yajl_boolean: onBoolean, yajl_integer: nil, yajl_double: nil,
    yajl_number: onNumber, yajl_string: onString, yajl_start_map: onMap, yajl_map_key: onKey,
    yajl_end_map: onEnd, yajl_start_array: onArray, yajl_end_array: onEnd)
}

private func onNull(_ context: Context) -> Int32 {
  onCollector(context) { $0.null() }
}

private func onBoolean(_ context: Context, _ value: Int32) -> Int32 {
  onCollector(context) { $0.scalar() }
}

/// Numbers come as text, so none can overflow here.
private func onNumber(_ context: Context, _ text: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
  guard let text else { return 0 }
  return text.withMemoryRebound(to: UInt8.self, capacity: count) { digits in
    onCollector(context) { $0.number(UnsafeBufferPointer(start: digits, count: count)) }
  }
}

private func onString(_ context: Context, _ text: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  onCollector(context) { $0.string(UnsafeBufferPointer(start: text, count: count)) }
}

private func onKey(_ context: Context, _ text: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  onCollector(context) { $0.key(UnsafeBufferPointer(start: text, count: count)) }
}

private func onMap(_ context: Context) -> Int32 {
  onCollector(context) { $0.begin(object: true) }
}

private func onArray(_ context: Context) -> Int32 {
  onCollector(context) { $0.begin(object: false) }
}

private func onEnd(_ context: Context) -> Int32 {
  onCollector(context) { $0.end() }
}

/// yajl stops when a callback returns 0.
private func onCollector(_ context: Context, _ body: (inout StateCollector) -> Bool) -> Int32 {
  guard let context else { return 0 }
  return body(&context.assumingMemoryBound(to: StateCollector.self).pointee) ? 1 : 0
}

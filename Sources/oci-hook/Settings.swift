// SPDX-License-Identifier: Apache-2.0

// hook.json is an object of strings, numbers and lists of strings. Each value is what an
// option of the command line takes, so that both are checked in one place.

import CYajl

struct Setting {
  var option: [UInt8]
  var value: [UInt8]
}

func settings(_ json: [UInt8]) throws(UsageError) -> [Setting] {
  var collector = SettingsCollector()
  var callbacks = yajl_callbacks(
    yajl_null: { on($0) { $0.refuse("hook.json: null is not a value of ") } },
    yajl_boolean: { context, _ in on(context) { $0.refuse("hook.json: true or false is not a value of ") } },
    yajl_integer: nil, yajl_double: nil,
    yajl_number: { context, text, count in
      text.map { text in
        text.withMemoryRebound(to: UInt8.self, capacity: count) { digits in
          on(context) { $0.number(Array(UnsafeBufferPointer(start: digits, count: count))) }
        }
      } ?? 0
    },
    yajl_string: { context, text, count in
      on(context) { $0.string(Array(UnsafeBufferPointer(start: text, count: count))) }
    },
    yajl_start_map: { on($0) { $0.beginObject() } },
    yajl_map_key: { context, text, count in
      on(context) { $0.key(Array(UnsafeBufferPointer(start: text, count: count))) }
    },
    yajl_end_map: { _ in 1 },
    yajl_start_array: { on($0) { $0.beginList() } },
    yajl_end_array: { on($0) { $0.endList() } })
  let isValid = withUnsafePointer(to: &callbacks) { callbacks in
    withUnsafeMutablePointer(to: &collector) { context in
      guard let parser = yajl_alloc(callbacks, nil, context) else { return false }
      defer { yajl_free(parser) }
      let outcome = json.withUnsafeBufferPointer { yajl_parse(parser, $0.baseAddress, $0.count) }
      return outcome == yajl_status_ok && yajl_complete_parse(parser) == yajl_status_ok
    }
  }
  if let problem = collector.problem { throw problem }
  guard isValid, collector.isObject else { throw UsageError(text: "hook.json is not a JSON object") }
  return collector.settings
}

/// yajl stops when a callback returns 0.
private func on(_ context: UnsafeMutableRawPointer?, _ body: (inout SettingsCollector) -> Bool) -> Int32 {
  guard let context else { return 0 }
  return body(&context.assumingMemoryBound(to: SettingsCollector.self).pointee) ? 1 : 0
}

private struct SettingsCollector {
  private(set) var settings: [Setting] = []
  private(set) var problem: UsageError?
  private(set) var isObject = false
  private var seen: [[UInt8]] = []
  private var key: [UInt8] = []
  private var isInList = false

  mutating func key(_ name: [UInt8]) -> Bool {
    key = name
    guard Self.option(name) != nil else { return refuse("hook.json: unknown field ") }
    guard !seen.contains(name) else { return refuse("hook.json: twice there: ") }
    seen.append(name)
    return true
  }

  mutating func string(_ value: [UInt8]) -> Bool {
    guard key != bytes("timeoutMilliseconds") else { return refuse("hook.json: a number is expected for ") }
    return add(value)
  }

  mutating func number(_ digits: [UInt8]) -> Bool {
    guard key == bytes("timeoutMilliseconds") else { return refuse("hook.json: a number is not a value of ") }
    return add(digits)
  }

  private mutating func add(_ value: [UInt8]) -> Bool {
    guard isObject, let (option, isList) = Self.option(key) else { return refuse("hook.json is not an object") }
    guard isList == isInList else {
      return refuse(isList ? "hook.json: a list is expected for " : "hook.json: a list is not a value of ")
    }
    guard !value.contains(0) else { return refuse("hook.json: NUL in a value of ") }
    settings.append(Setting(option: option, value: value))
    return true
  }

  mutating func beginObject() -> Bool {
    guard !isObject else { return refuse("hook.json: an object is not a value of ") }
    isObject = true
    return true
  }

  mutating func beginList() -> Bool {
    guard isObject, !isInList, Self.option(key)?.isList == true else {
      return refuse("hook.json: a list is not a value of ")
    }
    isInList = true
    return true
  }

  mutating func endList() -> Bool {
    isInList = false
    return true
  }

  mutating func refuse(_ text: StaticString) -> Bool {
    problem = UsageError(text: text, argument: key)
    return false
  }

  private static func option(_ key: [UInt8]) -> (name: [UInt8], isList: Bool)? {
    if key == bytes("socket") { return (bytes("--socket"), false) }
    if key == bytes("log") { return (bytes("--log"), false) }
    if key == bytes("spool") { return (bytes("--spool"), false) }
    if key == bytes("timeoutMilliseconds") { return (bytes("--timeout"), false) }
    if key == bytes("fail") { return (bytes("--fail"), false) }
    if key == bytes("closedNamespaces") { return (bytes("--fail-closed-namespace"), true) }
    if key == bytes("closedAnnotations") { return (bytes("--fail-closed-annotation"), true) }
    if key == bytes("exemptNamespaces") { return (bytes("--exempt-namespace"), true) }
    return nil
  }
}

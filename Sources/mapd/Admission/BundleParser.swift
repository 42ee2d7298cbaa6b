// SPDX-License-Identifier: Apache-2.0
import CYajl

/// Why a text is no configuration, for people.
struct BundleProblem: Error, Equatable {
  var message: String
}

extension BundleConfig {
  /// Runs yajl over the whole text: it refuses bytes that are not UTF-8, comments and what comes after
  /// the value, and keeps its nesting on the heap. What is not needed makes no objects.
  init(json: [UInt8]) throws(BundleProblem) {
    var collector = BundleCollector()
    var callbacks = yajl_callbacks(
      yajl_null: { onCollector($0) { $0.null() } },
      yajl_boolean: { context, _ in onCollector(context) { $0.other() } },
      yajl_integer: nil, yajl_double: nil,
      yajl_number: { context, _, _ in onCollector(context) { $0.other() } },
      yajl_string: { context, text, count in
        onCollector(context) { $0.string(UnsafeBufferPointer(start: text, count: count)) }
      },
      yajl_start_map: { onCollector($0) { $0.begin(object: true) } },
      yajl_map_key: { context, text, count in
        onCollector(context) { $0.key(UnsafeBufferPointer(start: text, count: count)) }
      },
      yajl_end_map: { onCollector($0) { $0.end() } },
      yajl_start_array: { onCollector($0) { $0.begin(object: false) } },
      yajl_end_array: { onCollector($0) { $0.end() } })
    // yajl keeps both pointers until it is freed.
    let problem = withUnsafePointer(to: &callbacks) { callbacks -> String? in
      withUnsafeMutablePointer(to: &collector) { context -> String? in
        guard let parser = yajl_alloc(callbacks, nil, context) else { return "no memory" }
        defer { yajl_free(parser) }
        var outcome = json.withUnsafeBufferPointer { yajl_parse(parser, $0.baseAddress, $0.count) }
        if outcome == yajl_status_ok { outcome = yajl_complete_parse(parser) }
        guard outcome != yajl_status_ok else { return nil }
        return context.pointee.problem ?? "not JSON at byte \(yajl_get_bytes_consumed(parser))"
      }
    }
    if let problem { throw BundleProblem(message: problem) }
    guard let config = collector.config else { throw BundleProblem(message: "it is empty") }
    self = config
  }
}

/// yajl stops when a callback returns 0.
private func onCollector(_ context: UnsafeMutableRawPointer?, _ body: (inout BundleCollector) -> Bool) -> Int32 {
  guard let context else { return 0 }
  return body(&context.assumingMemoryBound(to: BundleCollector.self).pointee) ? 1 : 0
}

/// Picks what is needed out of yajl's events. Each method returns whether parsing goes on.
private struct BundleCollector {
  /// Deeper is refused; none of what a runtime writes comes near.
  static let depthMax = 512

  enum Field: String {
    case document = "the document"
    case root, annotations, linux
    case rootPath = "root.path"
    case annotation = "a value of annotations"
    case namespaces = "linux.namespaces"
    case cgroupsPath = "linux.cgroupsPath"
    case namespace = "an entry of linux.namespaces"
    case namespaceType = "linux.namespaces.type"
    case namespacePath = "linux.namespaces.path"
    case other
  }

  private(set) var config: BundleConfig?
  private(set) var problem: String?
  /// What is open, outermost first.
  private var open: [Field] = []
  /// What the next value belongs to.
  private var field = Field.document
  private var seen: Set<Field> = []
  private var annotation = ""
  private var type: String?
  private var path: String?

  mutating func key(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    switch open.last {
    case .document:
      field = name.is("root") ? .root : name.is("annotations") ? .annotations : name.is("linux") ? .linux : .other
    case .root: field = name.is("path") ? .rootPath : .other
    case .linux: field = name.is("namespaces") ? .namespaces : name.is("cgroupsPath") ? .cgroupsPath : .other
    case .namespace: field = name.is("type") ? .namespaceType : name.is("path") ? .namespacePath : .other
    case .annotations:
      field = .annotation
      // yajl lets surrogates pass.
      guard let text = String(validating: name, as: UTF8.self) else { return fail("an annotation is not UTF-8") }
      annotation = text
      return config?.annotations?[annotation] == nil || fail("annotation \(annotation) is there twice")
    default: field = .other
    }
    // Which of two is meant, the runtime decides in its own way.
    return field == .other || seen.insert(field).inserted || fail("\(field.rawValue) is there twice")
  }

  mutating func string(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
    if field == .other { return true }
    guard let text = String(validating: value, as: UTF8.self) else { return fail("\(field.rawValue) is not UTF-8") }
    switch field {
    case .rootPath: config?.root = BundleConfig.Root(path: text)
    case .annotation: config?.annotations?[annotation] = text
    case .cgroupsPath: config?.linux?.cgroupsPath = text
    case .namespaceType: type = text
    case .namespacePath: path = text
    default: return other()
    }
    return true
  }

  /// Counts as absent where the field may be.
  mutating func null() -> Bool {
    switch field {
    case .root, .annotations, .linux, .namespaces, .cgroupsPath, .namespacePath: true
    default: other()
    }
  }

  /// A value that no field of interest may have.
  mutating func other() -> Bool { field == .other || fail("\(field.rawValue) has a wrong type") }

  mutating func begin(object: Bool) -> Bool {
    switch (field, object) {
    case (.document, true): config = BundleConfig()
    case (.annotations, true): config?.annotations = [:]
    case (.linux, true): config?.linux = BundleConfig.Linux()
    case (.namespaces, false): config?.linux?.namespaces = []
    case (.namespace, true):
      (type, path) = (nil, nil)
      seen.subtract([.namespaceType, .namespacePath])
    case (.root, true): break
    default: guard other() else { return false }
    }
    open.append(field)
    field = field == .namespaces ? .namespace : .other
    return open.count <= Self.depthMax || fail("it is nested deeper than \(Self.depthMax)")
  }

  mutating func end() -> Bool {
    switch open.popLast() {
    case .root where config?.root == nil: return fail("root.path is missing")
    case .namespace:
      guard let type else { return fail("linux.namespaces.type is missing") }
      config?.linux?.namespaces?.append(BundleConfig.Namespace(type: type, path: path))
    default: break
    }
    field = open.last == .namespaces ? .namespace : .other
    return true
  }

  private mutating func fail(_ reason: String) -> Bool {
    problem = reason
    return false
  }
}

extension UnsafeBufferPointer<UInt8> {
  fileprivate func `is`(_ name: StaticString) -> Bool {
    count == name.utf8CodeUnitCount
      && elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
  }
}

// SPDX-License-Identifier: Apache-2.0

#if !ONE_MODULE
  import Shared
#endif

/// Picks the fields of the state out of yajl's events and skips the rest.
///
/// Each method returns whether parsing goes on; when it does not, `error` says why.
struct StateCollector {
  private(set) var error: StateError?
  private(set) var ociVersion: [UInt8]?
  private(set) var id: [UInt8]?
  private(set) var status: ContainerStatus?
  private(set) var pid: Int32?
  private(set) var bundle: [UInt8]?
  private(set) var annotations: [Annotation] = []

  private let wantedAnnotations: [[UInt8]]
  private var depth = 0
  private var seen: [StateField] = []
  /// The field whose value comes next or is being walked; nil for one that is skipped.
  private var field: StateField?
  private var insideAnnotations = false
  /// Inside annotations: the wanted key whose value comes next.
  private var annotationKey: [UInt8]?
  private var seenAnnotationKeys: [[UInt8]] = []

  init(wantedAnnotations: [[UInt8]]) {
    self.wantedAnnotations = wantedAnnotations
  }

  mutating func key(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    if depth == 1 {
      field = Self.known(name)
      guard let field else { return true }
      guard !seen.contains(field) else { return fail(.duplicate(field)) }
      seen.append(field)
    } else if depth == 2, insideAnnotations {
      annotationKey = nil
      for wanted in wantedAnnotations where name.elementsEqual(wanted) {
        guard !seenAnnotationKeys.contains(wanted) else {
          return fail(.duplicate(.annotations))
        }
        seenAnnotationKeys.append(wanted)
        annotationKey = wanted
      }
    }
    return true
  }

  mutating func string(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard depth > 0 else { return fail(.notAnObject) }
    if depth == 2, insideAnnotations {
      guard let key = annotationKey else { return true }
      guard !value.contains(0) else { return fail(.invalid(.annotations)) }
      annotations.append(Annotation(key: key, value: Array(value)))
      return true
    }
    guard depth == 1, let field else { return true }
    switch field {
    case .ociVersion:
      guard let text = Self.text(value, StateLimits.versionBytesMax) else { break }
      ociVersion = text
      return true
    case .id:
      guard let text = Self.text(value, ContainerState.idBytesMax) else { break }
      id = text
      return true
    case .bundle:
      guard let text = Self.text(value, ContainerState.bundleBytesMax),
        text[0] == UInt8(ascii: "/")
      else { break }
      bundle = text
      return true
    case .status:
      guard let known = Self.status(value) else { break }
      status = known
      return true
    case .pid, .annotations: break
    }
    return fail(.invalid(field))
  }

  mutating func number(_ digits: UnsafeBufferPointer<UInt8>) -> Bool {
    guard depth == 1, field == .pid else { return scalar() }
    guard let value = Self.pid(digits) else { return fail(.invalid(.pid)) }
    pid = value
    return true
  }

  /// A null pid or null annotations count as absent.
  mutating func null() -> Bool {
    if depth == 1, field == .pid || field == .annotations { return true }
    return scalar()
  }

  /// A value that no field of interest may have.
  mutating func scalar() -> Bool {
    guard depth > 0 else { return fail(.notAnObject) }
    if depth == 1, let field { return fail(.invalid(field)) }
    if depth == 2, insideAnnotations, annotationKey != nil { return fail(.invalid(.annotations)) }
    return true
  }

  mutating func begin(object: Bool) -> Bool {
    if depth == 0 {
      guard object else { return fail(.notAnObject) }
    } else if depth == 1, field == .annotations, object {
      insideAnnotations = true
    } else {
      guard scalar() else { return false }
    }
    depth += 1
    return depth <= StateLimits.depthMax || fail(.tooDeep)
  }

  mutating func end() -> Bool {
    depth -= 1
    if depth == 1 { insideAnnotations = false }
    return true
  }

  private mutating func fail(_ reason: StateError) -> Bool {
    error = reason
    return false
  }
}

/// The values of the fields, as the specification writes them.
extension StateCollector {
  private static func known(_ name: UnsafeBufferPointer<UInt8>) -> StateField? {
    let fields: [StateField] = [.ociVersion, .id, .status, .pid, .bundle, .annotations]
    return fields.first { name.elementsEqual(bytes($0.name)) }
  }

  private static func status(_ name: UnsafeBufferPointer<UInt8>) -> ContainerStatus? {
    let all: [ContainerStatus] = [.creating, .created, .running, .stopped]
    return all.first { name.elementsEqual(bytes($0.name)) }
  }

  private static func text(_ value: UnsafeBufferPointer<UInt8>, _ limit: Int) -> [UInt8]? {
    guard !value.isEmpty, value.count <= limit, !value.contains(0) else { return nil }
    return Array(value)
  }

  /// Decimal digits alone: no sign, fraction or exponent, and within pid_t.
  private static func pid(_ digits: UnsafeBufferPointer<UInt8>) -> Int32? {
    guard (1...10).contains(digits.count) else { return nil }
    var value: Int64 = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    return Int32(exactly: value)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What the hook does when mapd gives no decision: it cannot be reached, does not
/// answer in time, answers nonsense, or says `failed`.
///
/// Decided from the hook's arguments and the state alone, without mapd. It never
/// covers a malformed state or a refusal by mapd; both are always exit 1.
public struct FailPolicy: Sendable {
  public enum Decision: Sendable, Equatable {
    /// The container goes on unprotected, with a loud log line (allow).
    case open
    /// The hook exits 1 and the runtime does not start the container (deny).
    case closed
  }

  /// Fail closed when the annotation is there, with this value if one is given.
  public struct AnnotationRule: Sendable, Equatable {
    public var key: [UInt8]
    public var value: [UInt8]?

    public init(key: [UInt8], value: [UInt8]?) {
      self.key = key
      self.value = value
    }
  }

  /// For containers that nothing below names.
  public var standard: Decision = .open
  public var closedAnnotations: [AnnotationRule] = []
  public var closedNamespaces: [[UInt8]] = []
  /// Starts with Holdfast's own namespace: mapd must be able to start when there is no mapd.
  public var exemptNamespaces: [[UInt8]] = [FailPolicy.ownNamespace]

  public init() {}

  private static var ownNamespace: [UInt8] { bytes("holdfast") }

  /// Where containerd and CRI-O put the pod's namespace.
  private static var namespaceKeys: [[UInt8]] {
    [bytes("io.kubernetes.cri.sandbox-namespace"), bytes("io.kubernetes.pod.namespace")]
  }

  /// The annotations that `decide` looks at; the parser keeps no others.
  public var annotationKeys: [[UInt8]] {
    var keys: [[UInt8]] = []
    for rule in closedAnnotations where !keys.contains(rule.key) { keys.append(rule.key) }
    // Namespaces matter only when some container can fail closed.
    guard standard == .closed || !closedAnnotations.isEmpty || !closedNamespaces.isEmpty else {
      return keys
    }
    for key in Self.namespaceKeys where !keys.contains(key) { keys.append(key) }
    return keys
  }

  /// Only createRuntime can keep a container from starting. At poststart and poststop
  /// the workload runs or has ended, and a runtime that sees a poststart hook fail
  /// kills it (runc does): open.
  public func decide(phase: Phase, annotations: [Annotation]) -> Decision {
    guard phase == .createRuntime else { return .open }
    var namespaces: [[UInt8]] = []
    for key in Self.namespaceKeys {
      for annotation in annotations where annotation.key == key {
        namespaces.append(annotation.value)
      }
    }
    // Exempt only when all that name a namespace agree: one forged annotation does
    // not open what another closes.
    if !namespaces.isEmpty, namespaces.allSatisfy({ exemptNamespaces.contains($0) }) {
      return .open
    }
    if namespaces.contains(where: { closedNamespaces.contains($0) }) { return .closed }
    for rule in closedAnnotations {
      for annotation in annotations where annotation.key == rule.key {
        if rule.value == nil || rule.value == annotation.value { return .closed }
      }
    }
    return standard
  }
}

/// The bytes of a literal.
public func bytes(_ text: StaticString) -> [UInt8] {
  Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}

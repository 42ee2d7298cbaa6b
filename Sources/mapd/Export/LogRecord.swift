// SPDX-License-Identifier: Apache-2.0
import ControlMessages

/// A violation or a learned executable as an OTLP log record. Field numbers are those of
/// opentelemetry-proto, names those of the semantic conventions where they have one.
struct LogRecord: Sendable, Equatable {
  /// The encoded Resource: equal for all records of one container, which a batch groups by it.
  let resource: [UInt8]
  /// The encoded LogRecord.
  let record: [UInt8]

  /// What mapd holds for it until it is delivered.
  var bytesCount: Int { resource.count + record.count }

  /// - Parameters:
  ///   - node: its host name.
  ///   - observed: when mapd knew of it.
  init(_ event: ViolationEvent, node: String, version: String, observed: Timestamp) {
    resource = Self.resource(event, node: node, version: version)
    record = Self.record(event, observed: observed)
  }

  static let learned = "holdfast.executable.learned"
  static let violation = "holdfast.violation"

  private static func resource(_ event: ViolationEvent, node: String, version: String) -> [UInt8] {
    var attributes = Attributes(field: 1)
    attributes.add("service.name", "holdfast")
    attributes.add("service.version", version)
    attributes.add("host.name", node)
    attributes.add("container.id", event.containerID)
    if let pod = event.pod {
      attributes.add("k8s.node.name", node)
      attributes.add("k8s.namespace.name", event.namespace)
      attributes.add("k8s.pod.name", pod)
      attributes.add("k8s.container.name", event.container)
    } else {
      attributes.add("container.name", event.container)
    }
    return attributes.writer.bytes
  }

  private static func record(_ event: ViolationEvent, observed: Timestamp) -> [UInt8] {
    let isLearned = event.verdict == VerdictName.learn.rawValue
    var attributes = Attributes(field: 6)
    attributes.add("process.executable.path", event.executable)
    attributes.add("process.pid", event.pid)
    attributes.add("process.parent_pid", event.ppid)
    attributes.add("process.user.id", event.uid)
    attributes.add("process.command_args", event.process?.arguments ?? [])
    attributes.add("holdfast.process.comm", event.comm)
    let policies = event.policy.map { $0.split(separator: "/", maxSplits: 1).map(String.init) }
    attributes.add("holdfast.policy.namespace", policies.map { $0.count > 1 ? $0[0] : "" })
    attributes.add("holdfast.policy.name", policies.map { $0.last ?? "" })
    attributes.add("holdfast.mode", event.mode)
    attributes.add("holdfast.verdict", event.verdict)
    attributes.add("holdfast.reason", event.reason)
    attributes.add("holdfast.attach_point", event.attach)
    attributes.add("holdfast.count", Int(clamping: event.count))
    attributes.add("holdfast.generation", Int(event.generation))
    attributes.add("holdfast.interpreter", event.interpreter)

    var writer = ProtobufWriter()
    if let time = Timestamp(iso8601: event.time) { writer.fixed64(1, time.sinceEpoch) }
    let severity = Self.severity(event)
    writer.varint(2, severity.number)
    writer.string(3, severity.text)
    writer.message(5) { $0.string(1, sentence(event)) }
    var bytes = writer.bytes + attributes.writer.bytes
    writer = ProtobufWriter()
    writer.fixed64(11, observed.sinceEpoch)
    writer.string(12, isLearned ? learned : violation)
    bytes += writer.bytes
    return bytes
  }

  /// SeverityNumber of the logs' data model.
  private static func severity(_ event: ViolationEvent) -> (number: UInt64, text: String) {
    switch event.verdict {
    case VerdictName.refuse.rawValue: (17, "ERROR")
    case VerdictName.report.rawValue: (13, "WARN")
    default: (9, "INFO")
    }
  }

  private static func sentence(_ event: ViolationEvent) -> String {
    let did = ["refuse": "refused", "report": "reported", "learn": "learned"][event.verdict] ?? event.verdict
    let why = ReasonName(rawValue: event.reason)?.explanation ?? event.reason
    return "\(did) \(event.executable): \(why)"
  }

  /// The batch as an ExportLogsServiceRequest.
  static func request(_ records: [LogRecord], version: String) -> [UInt8] {
    var order: [[UInt8]] = []
    var groups: [[UInt8]: [[UInt8]]] = [:]
    for record in records {
      if groups[record.resource] == nil { order.append(record.resource) }
      groups[record.resource, default: []].append(record.record)
    }
    var request = ProtobufWriter()
    for resource in order {
      request.message(1) { logs in
        logs.data(1, resource)
        logs.message(2) { scope in
          scope.message(1) {
            $0.string(1, "holdfast")
            $0.string(2, version)
          }
          for record in groups[resource]! { scope.data(2, record) }
        }
      }
    }
    return request.bytes
  }

  /// `partial_success.rejected_log_records` of an ExportLogsServiceResponse.
  static func rejected(_ response: [UInt8]) -> UInt64 {
    var reader = ProtobufReader(response)
    while let (field, value) = reader.next() {
      guard field == 1, case .data(let partial) = value else { continue }
      var inner = ProtobufReader(partial)
      while let (field, value) = inner.next() {
        if field == 1, case .number(let count) = value { return count }
      }
    }
    return 0
  }
}

/// KeyValue messages of one field. Empty values are left out: nothing is known then.
private struct Attributes {
  let field: Int
  var writer = ProtobufWriter()

  mutating func add(_ key: String, _ value: String) {
    if !value.isEmpty { add(key) { $0.string(1, value) } }
  }

  mutating func add(_ key: String, _ value: Bool) { add(key) { $0.varint(2, value ? 1 : 0) } }
  mutating func add(_ key: String, _ value: Int) { add(key) { $0.varint(3, UInt64(bitPattern: Int64(value))) } }

  mutating func add(_ key: String, _ values: [String]) {
    guard !values.isEmpty else { return }
    add(key) { $0.message(5) { array in for value in values { array.message(1) { $0.string(1, value) } } } }
  }

  private mutating func add(_ key: String, _ value: (inout ProtobufWriter) -> Void) {
    writer.message(field) {
      $0.string(1, key)
      $0.message(2, value)
    }
  }
}

extension Timestamp {
  /// Nanoseconds since 1970.
  fileprivate var sinceEpoch: UInt64 { UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(nanoseconds) }
}

// SPDX-License-Identifier: Apache-2.0
import Policy

/// The fields of mapd.yaml, in the order of packaging/mapd.yaml.
extension Configuration {
  mutating func read(_ fields: inout Fields) {
    fields.section("learn") { fields in
      fields.set(&learn.all, "all") { $0.boolean() }
      fields.set(&learn.namespaces, "namespaces") { $0.list().map { Set($0.compactMap { $0.text() }) } }
    }
    fields.set(&logLevel, "logLevel") { $0.choice(LogLevel.self) }
    fields.set(&attachPoint, "attachPoint") { $0.choice(AttachChoice.self) }
    fields.section("maps") { fields in
      fields.set(&maps.bindings, "bindings") { $0.integer(Maps.bindingsRange) }
      fields.set(&maps.rules, "rules") { $0.integer(Maps.rulesRange) }
    }
    fields.section("paths") { fields in
      fields.set(&paths.run, "run") { $0.absolutePath() }
      fields.set(&paths.state, "state") { $0.absolutePath() }
      fields.set(&paths.policies, "policies") { $0.absolutePath() }
      fields.set(&paths.bpffs, "bpffs") { $0.absolutePath() }
      fields.set(&paths.gate, "gate") { $0.absolutePath() }
      fields.set(&paths.procfs, "procfs") { $0.absolutePath() }
    }
    fields.section("runtimes") { fields in
      fields.set(&runtimes.state, "state") { $0.absolutePath() }
      fields.set(&runtimes.storage, "storage") { $0.absolutePath() }
      fields.set(&runtimes.ociRoots, "ociRoots") { $0.list()?.compactMap { $0.absolutePath() } }
    }
    fields.section("sockets") { fields in
      fields.set(&socketsGroup, "group") { $0.text() }
    }
    fields.section("metrics") { fields in
      fields.set(&metrics.socket, "socket") { $0.boolean() }
      fields.set(&metrics.address, "address") { LoopbackAddress($0) }
    }
    fields.section("otlp") { fields in
      fields.set(&otlp.endpoint, "endpoint") { OTLPEndpoint($0) }
      fields.set(&otlp.headers, "headers") { OTLPSettings.headers($0) }
      fields.set(&otlp.interval, "interval") { $0.seconds(1...3600) }
      fields.set(&otlp.timeout, "timeout") { $0.seconds(1...300) }
      fields.set(&otlp.queueBytes, "queueBytes") { $0.integer(OTLPSettings.queueRange) }
    }
  }
}

extension Fields {
  /// A mapping below this one; a field of it that is not known is a problem.
  mutating func section(_ name: String, _ body: (inout Fields) -> Void) {
    guard let field = takeSet(name), var fields = Fields(field) else { return }
    body(&fields)
    fields.refuseRest()
  }

  /// Takes a value that is written; `read` has told the problem when it gives none.
  mutating func set<Value>(_ value: inout Value, _ name: String, _ read: (Field) -> Value?) {
    if let new = takeSet(name).flatMap(read) { value = new }
  }
}

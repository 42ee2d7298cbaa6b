// SPDX-License-Identifier: Apache-2.0
import Policy
import Testing

@Suite struct EmitTests {
  @Test func aPolicyIsWrittenInAFixedOrder() throws {
    let policy = WorkloadPolicy(
      name: PolicyName(namespace: "shop", name: "web"), labels: ["b": "on", "a": "1"],
      mode: .monitor,
      rulesByContainer: [
        "nginx": ContainerRules(
          allowed: [try ExecutablePath("/usr/lib/x/"), try ExecutablePath("/bin/a")],
          interpreters: .listed,
          relaxations: [.writableLayer]),
        "empty": ContainerRules(allowed: []),
      ])
    #expect(
      try PolicyEmitter.yaml(policy) == """
        apiVersion: security.rancher.io/v1alpha1
        kind: WorkloadPolicy
        metadata:
          name: web
          namespace: shop
          labels:
            a: "1"
            b: "on"
        spec:
          mode: monitor
          rulesByContainer:
            empty:
              executables:
                allowed: []
            nginx:
              executables:
                allowed:
                - /bin/a
                - /usr/lib/x/
                interpreters: listed
              allow:
              - writableLayer

        """)
  }

  /// Workloads choose the names of their files, so learned paths may hold anything that a path can.
  @Test func whatIsWrittenIsReadBackAsTheSamePolicy() throws {
    var random = SeededGenerator(seed: 5)
    for round in 0..<200 {
      let policy = try randomPolicy(&random)
      let text = try PolicyEmitter.yaml(policy)
      let result = PolicyParser.parse(Array(text.utf8), file: "f")
      #expect(result.problems.isEmpty, "round \(round): \(text)")
      #expect(result.policies.map(\.policy) == [policy], "round \(round): \(text)")
      #expect(try PolicyEmitter.yaml(policy) == text)
    }
  }

  private func randomPolicy(_ random: inout SeededGenerator) throws -> WorkloadPolicy {
    let parts = [
      "bin", "a b", "*x", "&y", "null", "yes", "1.5", "-", "'", "\"", "#", "ä", "😀", ":", "{", "[",
      "%", "\\", "\t",
      "\n", "\u{1b}[2J", "\u{202e}", "\u{85}", "\u{2028}", "...",
      String(repeating: "long ", count: 25), "~", "e\u{301}", "\u{e9}",
    ]
    func text() -> String {
      parts.randomElement(using: &random)!
        + (Bool.random(using: &random) ? parts.randomElement(using: &random)! : "")
    }
    func texts() -> [String: String] {
      Dictionary((0..<Int.random(in: 0...2, using: &random)).map { _ in (text(), text()) }) {
        first, _ in first
      }
    }
    var containers: [String: ContainerRules] = [:]
    for name in ["a", "b_1", "0"] where Bool.random(using: &random) {
      containers[name] = ContainerRules(
        allowed: try (0..<Int.random(in: 0...4, using: &random)).map { _ in
          try ExecutablePath("/" + text() + "/" + text() + (Bool.random(using: &random) ? "/" : ""))
        },
        interpreters: Interpreters.allCases.randomElement(using: &random)!,
        relaxations: Relaxations(rawValue: UInt8.random(in: 0...15, using: &random)))
    }
    let kind = PolicyKind.allCases.randomElement(using: &random)!
    return WorkloadPolicy(
      kind: kind, apiVersion: WorkloadPolicy.apiVersions.randomElement(using: &random)!,
      name: PolicyName(namespace: "ns-1", name: "1.5"), labels: texts(), annotations: texts(),
      mode: PolicyMode.allCases.randomElement(using: &random)!,
      selector: Bool.random(using: &random)
        ? nil
        : LabelSelector(
          matchLabels: texts(),
          matchExpressions: [
            .init(key: text(), operator: .isIn, values: [text()]),
            .init(key: "k", operator: .exists),
          ]),
      rulesByContainer: containers,
      otherContainers: (OtherContainers.allCases + [nil]).randomElement(using: &random)!,
      runningProcesses: (RunningProcesses.allCases + [nil]).randomElement(using: &random)!)
  }
}

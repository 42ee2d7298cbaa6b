// SPDX-License-Identifier: Apache-2.0
import Foundation
import Policy
import Testing

@testable import Control

private let name = PolicyName(namespace: "shop", name: "web")
private let text = """
  # who: the web team
  apiVersion: security.rancher.io/v1alpha1
  kind: WorkloadPolicy
  metadata: {name: other, namespace: shop}
  spec: {mode: learn}
  ---
  apiVersion: security.rancher.io/v1alpha1
  kind: WorkloadPolicy
  metadata: {name: web, namespace: shop}
  spec:
    mode: "monitor"  # since May
    rulesByContainer:
      nginx:
        executables:
          allowed:
            - /bin/a   # first
            - "/bin/b"  # last
      side: {executables: {allowed: [/bin/c, '/bin/d']}}
      none: {}

  """

private func policies(_ change: (inout WorkloadPolicy) -> Void) throws -> [WorkloadPolicy] {
  var all = try #require(PolicyText.policies(text))
  change(&all[1])
  return all
}

@Suite struct PolicyTextTests {
  @Test func aModeIsChangedInPlace() throws {
    let wanted = try policies { $0.mode = .protect }
    let change = try PolicyText.change(text, to: wanted) { PolicyText.setting(mode: .protect, of: name, in: $0) }
    #expect(!change.isRewritten)
    #expect(change.text == text.replacingOccurrences(of: "\"monitor\"", with: "protect"))
  }

  @Test(arguments: ["nginx", "side", "none", "new"]) func aPathIsAddedWhereverItsListIs(_ container: String) throws {
    for path in ["/bin/new", "/bin/ä b", "/bin/\"q\\"] {
      let added = try ExecutablePath(path)
      let wanted = try policies {
        let old = $0.rulesByContainer[container]
        $0.rulesByContainer[container] = ContainerRules(allowed: (old?.allowed ?? []) + [added])
      }
      let change = try PolicyText.change(text, to: wanted) {
        PolicyText.adding(added, to: container, of: name, in: $0)
      }
      #expect(PolicyText.policies(change.text) == wanted)
      #expect(change.isRewritten == ["none", "new"].contains(container))
      if !change.isRewritten { #expect(change.text.contains("# since May") && change.text.contains("# who")) }
    }
  }

  @Test func anEditThatSaysSomethingElseIsNotTaken() throws {
    let wanted = try policies { $0.mode = .protect }
    let change = try PolicyText.change(text, to: wanted) { $0.replacingOccurrences(of: "/bin/a", with: "/bin/") }
    #expect(change.isRewritten && PolicyText.policies(change.text) == wanted)
  }
}

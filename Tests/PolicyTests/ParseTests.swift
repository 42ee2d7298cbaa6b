// SPDX-License-Identifier: Apache-2.0
import Foundation
import Policy
import Testing

@Suite struct ParseTests {
  @Test func readsEveryFieldOfAPolicy() throws {
    let found = policies(
      """
      # a comment
      apiVersion: security.rancher.io/v1alpha1
      kind: WorkloadPolicy
      metadata:
        name: pgsql
        namespace: infra
        labels: {team: data}
        annotations: {note: "*not-an-alias, &not-an-anchor"}
      spec:
        mode: protect
        selector:
          matchLabels: {app: pgsql}
          matchExpressions:
            - {key: tier, operator: In, values: [db, "1"]}
            - {key: canary, operator: DoesNotExist}
        otherContainers: ignore
        rulesByContainer:
          postgres:
            executables:
              allowed: [/usr/lib/postgresql/, /usr/bin/psql, /usr/bin/psql]
              interpreters: listed
              imagePolicyRef: null
            allow: [writableLayer, laterMounts]
          sidecar:
      """)
    let policy = try #require(found.first)
    #expect(found.count == 1)
    #expect(policy.name == PolicyName(namespace: "infra", name: "pgsql"))
    #expect(policy.labels == ["team": "data"])
    #expect(policy.annotations == ["note": "*not-an-alias, &not-an-anchor"])
    #expect(policy.mode == .protect)
    #expect(policy.otherContainers == .ignore)
    #expect(policy.selector?.matchLabels == ["app": "pgsql"])
    #expect(policy.selector?.matchExpressions.map(\.operator) == [.isIn, .doesNotExist])
    let rules = try #require(policy.rulesByContainer["postgres"])
    #expect(rules.allowed.map(\.written) == ["/usr/bin/psql", "/usr/lib/postgresql/"])
    #expect(rules.allowed.map(\.isDirectory) == [false, true])
    #expect(rules.interpreters == .listed)
    #expect(rules.relaxations == [.writableLayer, .laterMounts])
    #expect(policy.rulesByContainer["sidecar"] == ContainerRules(allowed: []))
  }

  /// As `kubectl get workloadpolicy -o yaml` prints it, with all that a cluster adds.
  @Test func takesAManifestFromAClusterUnchanged() throws {
    let found = policies(
      """
      apiVersion: runtimeenforcer.kubewarden.io/v1alpha1
      kind: WorkloadPolicy
      metadata:
        annotations:
          kubectl.kubernetes.io/last-applied-configuration: |
            {"apiVersion":"x","spec":{"mode":"protect"}} *a &b
        creationTimestamp: "2026-02-01T10:00:00Z"
        finalizers: [runtimeenforcer.kubewarden.io/finalizer]
        generation: 3
        labels: {runtimeenforcer.kubewarden.io/promoted-from: deploy-web}
        managedFields:
          - {manager: kubectl, operation: Update, fieldsV1: {"f:spec": {"f:mode": {}}}}
        name: deploy-web
        namespace: shop
        ownerReferences: [{kind: Deployment, name: web}]
        resourceVersion: "4711"
        uid: 1b4e28ba-2fa1-11d2-883f-0016d3cca427
      spec:
        mode: monitor
        rulesByContainer:
          "nginx":
            executables:
              allowed:
                - /usr/sbin/nginx
                - '/bin/['
      status:
        phase: Ready
        violations: [{executablePath: /bin/sh}]
      """)
    #expect(
      try #require(found.first).rulesByContainer["nginx"]?.allowed.map(\.path) == [
        "/bin/[", "/usr/sbin/nginx",
      ])
  }

  @Test func readsAProposalWithoutModeAndAnEmptyPrefixList() throws {
    let found = policies(
      """
      apiVersion: security.rancher.io/v1alpha1
      kind: WorkloadPolicyProposal
      metadata: {name: deploy-web}
      spec:
        selector: {matchLabels: {app: web}}
        rulesByContainer: {nginx: {executables: {allowed: [/bin/a], allowedPrefixes: []}}}
      """)
    #expect(try #require(found.first).kind == .proposal)
    #expect(found[0].name.namespace == "default")
    #expect(found[0].mode == .learn)
  }

  @Test func readsSeveralDocumentsAndLists() {
    let two = manifest(name: "a") + "---\n# empty\n---\n" + manifest(name: "b")
    #expect(policies(two).map(\.name.name) == ["a", "b"])
    let items = ["c", "d"].map { name in
      "- " + manifest(name: name).split(separator: "\n").joined(separator: "\n  ") + "\n"
    }
    #expect(
      policies(
        "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n" + items.joined()
      ).map(\.name.name) == ["c", "d"])
  }

  @Test func readsJSONToo() {
    #expect(
      policies(
        #"{"apiVersion":"security.rancher.io/v1alpha1","kind":"WorkloadPolicy","metadata":{"name":"j"},"spec":{"mode":"learn"}}"#
      ).map(\.name.name) == ["j"])
  }

  /// A rule that the gate cannot match must not be accepted, so the limits are read from its
  /// header.
  @Test(arguments: [
    ("HF_PATH_COMPONENTS_MAX", PathLimits.components), ("HF_NAME_MAX", PathLimits.componentBytes),
  ])
  func theLimitsAreThoseOfTheContract(_ name: String, _ limit: Int) throws {
    var root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let header = try String(
      contentsOf: root.appendingPathComponent("bpf/contract.h"), encoding: .utf8)
    #expect(header.contains("#define \(name) \(limit)\n"))
  }

  @Test func acceptsPathsAtTheLimits() throws {
    let deep = String(repeating: "/a", count: 64)
    let long =
      "/" + Array(repeating: String(repeating: "b", count: 255), count: 15).joined(separator: "/")
      + "/" + String(repeating: "c", count: 254)
    #expect(long.utf8.count == 4095)
    for path in [
      deep, String(repeating: "/a", count: 63) + "/", long, "/ä/…", "/...", "/.x", "/a b",
    ] {
      #expect(try ExecutablePath(path).written == path)
    }
  }
}

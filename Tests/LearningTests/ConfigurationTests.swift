// SPDX-License-Identifier: Apache-2.0
@testable import Configuration
import Enforcement
import Foundation
import Policy
import Testing

@Suite struct ConfigurationTests {
  private func parse(_ text: String) throws -> Configuration {
    try Configuration.parse(Array(text.utf8), file: "mapd.yaml")
  }

  @Test func learningIsConfigured() throws {
    #expect(try parse("") == Configuration() && parse("# nothing\n") == Configuration())
    #expect(try parse("learn: {namespaces: [shop, infra]}").learn == LearningScope(namespaces: ["shop", "infra"]))
    #expect(try parse("learn:\n  all: true\n").learn == LearningScope(all: true))
  }

  @Test func everySettingIsTaken() throws {
    let text = """
      logLevel: debug
      attachPoint: fmod_ret
      maps: {bindings: 2, rules: 3}
      paths: {run: /r, state: /s, policies: /p, bpffs: /b, gate: /g, procfs: /f}
      runtimes: {state: /t, storage: /u, ociRoots: [/v, /w]}
      """
    let read = try parse(text)
    #expect(read.logLevel == .debug && read.attachPoint == .fmodRet && read.maps.bindings == 2 && read.maps.rules == 3)
    #expect(
      read.paths
        == Configuration.Paths(run: "/r", state: "/s", policies: "/p", bpffs: "/b", gate: "/g", procfs: "/f"))
    #expect(read.runtimes == Configuration.Runtimes(state: "/t", storage: "/u", ociRoots: ["/v", "/w"]))
    #expect(
      Configuration().settingsForARestart(to: read) == ["attachPoint", "maps", "paths", "runtimes"])
    #expect(Configuration().settingsForARestart(to: try parse("learn: {all: true}\nlogLevel: error")) == [])
  }

  @Test(arguments: [
    ("127.0.0.1:9464", "127.0.0.1", 9464), ("127.8.8.8:1", "127.8.8.8", 1), ("'[::1]:65535'", "::1", 65535),
  ]) func metricsOnALoopbackAddress(_ text: String, _ host: String, _ port: Int) throws {
    let address = try #require(try parse("metrics: {address: \(text)}").metrics.address)
    #expect(address.host == host && address.port == port)
  }

  @Test(arguments: [
    "0.0.0.0:9464", "10.0.0.1:9464", "localhost:9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "'[::]:1'",
    "'::1'", "'[::ffff:10.0.0.1]:1'", "':9464'", "'127.1:80'",
  ]) func metricsOnNoOther(_ text: String) {
    let failure = #expect(throws: Configuration.Failure.self) { try parse("metrics: {address: \(text)}") }
    #expect("\(failure!)".contains("must be a loopback address and a port"), "\(failure!)")
  }

  @Test(
    arguments: [
      ("http://127.0.0.1:4318", .tcp(host: "127.0.0.1", port: 4318), "/v1/logs", "127.0.0.1:4318"),
      ("http://node", .tcp(host: "node", port: 4318), "/v1/logs", "node:4318"),
      ("http://[::1]:80/x/y", .tcp(host: "::1", port: 80), "/x/y", "[::1]:80"),
      ("http://[::1]", .tcp(host: "::1", port: 4318), "/v1/logs", "[::1]:4318"),
      ("unix:/run/o.sock", .unix(path: "/run/o.sock"), "/v1/logs", "localhost"),
    ] as [(String, OTLPEndpoint.Place, String, String)])
  func endpoints(_ text: String, _ place: OTLPEndpoint.Place, _ path: String, _ host: String) throws {
    let endpoint = try #require(try parse("otlp: {endpoint: '\(text)'}").otlp.endpoint)
    #expect(endpoint.place == place && endpoint.path == path && endpoint.host == host)
  }

  @Test(arguments: [
    "https://c:4318", "c:4318", "http://", "http://c:0", "http://c:x", "http://user@c", "http://c/a b", "unix:o.sock",
    "http://c\\r\\nX: y",
  ]) func whatIsNoEndpoint(_ text: String) {
    #expect(throws: Configuration.Failure.self) { try parse("otlp: {endpoint: \"\(text)\"}") }
  }

  @Test(arguments: ["{'': x}", "{'a b': x}", "{'a:': x}", "{a: \"x\\r\\ny: z\"}", "{a: ä}"]) func whatIsNoHeader(
    _ text: String
  ) {
    #expect(throws: Configuration.Failure.self) { try parse("otlp: {headers: \(text)}") }
  }

  @Test func theSizesOfMapsAreThoseOfTheGate() {
    #expect(Configuration().maps.bindings == MapSizes().bindings && Configuration().maps.rules == MapSizes().rules)
  }

  /// Fields as mapd itself names them when it refuses one.
  private func known(_ text: String) -> [String] {
    let failure = #expect(throws: Configuration.Failure.self) { try parse(text) }
    let said = "\(failure!)".components(separatedBy: "fields known here: ").dropFirst().first ?? ""
    return said.prefix { $0 != ")" }.components(separatedBy: ", ").filter { !$0.isEmpty }
  }

  @Test func theFileThatIsInstalledHasEverySetting() throws {
    let text = try String(contentsOfFile: Self.installed, encoding: .utf8)
    for field in known("nothing: 1") {
      #expect(text.contains("\n\(field):"), "\(field)")
      // A setting without fields of its own says something else.
      for inner in known("\(field): {nothing: 1}") { #expect(text.contains("\n  \(inner):"), "\(field).\(inner)") }
    }
  }

  @Test func theFileThatIsInstalledHasTheDefaults() throws {
    #expect(try Configuration.load(Self.installed) == Configuration())
  }

  private static let installed = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("packaging/mapd.yaml").path

  @Test(arguments: [
    ("learning: {}", "mapd.yaml:1:1: learning: is not a known field"),
    ("learn: {every: true}", "learn.every"), ("learn: {all: yes}", "must be true or false"),
    ("learn: {all: \"true\"}", "must be true or false"), ("learn: {namespaces: shop}", "must be a list"),
    ("learn: [", "is not YAML"), ("learn: {}\nlearn: {}", "is already written"), ("a: &x {}\nlearn: *x", "alias"),
    ("---\nlearn: {}\n---\nlearn: {}\n", "2 documents"),
  ]) func whatIsNotUnderstoodIsRefusedWithItsPlace(_ text: String, _ said: String) throws {
    let failure = #expect(throws: Configuration.Failure.self) { try parse(text) }
    #expect("\(failure!)".contains(said), "\(failure!)")
  }

  @Test func aFileThatIsNamedMustBeThere() throws {
    #expect(throws: Configuration.Failure.self) { try Configuration.load("/nowhere/mapd.yaml") }
  }
}

@Suite struct LearningScopeTests {
  private func mode(
    _ scope: LearningScope, _ labels: [String: String] = [:], kind: WorkloadIdentity.ContainerKind = .container
  ) -> PolicyMode? {
    PolicySet.empty(learning: scope)
      .effective(for: WorkloadIdentity(namespace: "shop", podLabels: labels, containerName: "c", containerKind: kind))?
      .mode
  }

  @Test func aContainerIsLearnedWhenItOrTheConfigurationAsks() {
    #expect(mode(LearningScope()) == nil)
    #expect(mode(LearningScope(), ["security.rancher.io/learn": "true"]) == .learn)
    #expect(mode(LearningScope(), ["security.rancher.io/learn": "yes"]) == nil)
    #expect(mode(LearningScope(all: true)) == .learn)
    #expect(mode(LearningScope(namespaces: ["shop"])) == .learn && mode(LearningScope(namespaces: ["x"])) == nil)
    #expect(mode(LearningScope(all: true), ["security.rancher.io/learn": "false"]) == nil)
    #expect(mode(LearningScope(all: true), kind: .sandbox) == nil)
  }

  @Test func aPolicyComesBeforeLearning() {
    let text = """
      apiVersion: security.rancher.io/v1alpha1
      kind: WorkloadPolicy
      metadata: {name: web, namespace: shop}
      spec: {mode: protect, selector: {}, otherContainers: ignore}
      """
    let set = PolicySet(
      files: [PolicyFile(name: "w.yaml", content: .bytes(Array(text.utf8)))],
      previous: .empty(learning: LearningScope(all: true)))
    #expect(set.effective(for: WorkloadIdentity(namespace: "shop", containerName: "c")) == nil)
    #expect(set.effective(for: WorkloadIdentity(namespace: "other", containerName: "c"))?.mode == .learn)
  }
}

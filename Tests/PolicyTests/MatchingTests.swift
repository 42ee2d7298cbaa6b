// SPDX-License-Identifier: Apache-2.0
import Foundation
import Policy
import Testing

private let app = WorkloadIdentity(
  namespace: "shop", podLabels: ["app": "web"], containerName: "nginx")

private func selected(_ name: String, mode: String = "monitor", _ rest: String) -> String {
  manifest(name: name, mode: mode, spec: "selector: {matchLabels: {app: web}}\n" + rest)
}

@Suite struct MatchingTests {
  @Test func aSelectorPicksByPodLabelsWithinItsNamespace() {
    let set = PolicySet([
      selected("web", "rulesByContainer: {nginx: {executables: {allowed: [/bin/a]}}}")
    ])
    #expect(set.effective(for: app)?.rules.map(\.path) == ["/bin/a"])
    #expect(
      set.match(
        WorkloadIdentity(namespace: "bank", podLabels: ["app": "web"], containerName: "nginx"))
        == .unmatched)
    #expect(
      set.match(
        WorkloadIdentity(namespace: "shop", podLabels: ["app": "db"], containerName: "nginx"))
        == .unmatched)
    // With a selector, asking by name is not enough.
    #expect(
      set.match(
        WorkloadIdentity(
          namespace: "shop", podLabels: ["security.rancher.io/policy": "web"],
          containerName: "nginx")) == .unmatched)
  }

  @Test(arguments: ["security.rancher.io/policy", "runtimeenforcer.kubewarden.io/policy"])
  func withoutASelectorTheLabelOrAnnotationNamesThePolicy(_ key: String) {
    let set = PolicySet([manifest()])
    var workload = WorkloadIdentity(namespace: "shop", containerName: "nginx")
    #expect(set.effective(for: workload) == nil)
    workload.podLabels = [key: "web"]
    #expect(set.effective(for: workload)?.mode == .protect)
    workload.podLabels = [:]
    workload.annotations = [key: "web"]
    #expect(set.effective(for: workload)?.mode == .protect)
    workload.annotations = [key: "gone"]
    #expect(set.effective(for: workload) == nil)
    #expect(set.missing(for: workload).map(\.description) == ["shop/gone"])
  }

  @Test(arguments: [
    ("{key: app, operator: In, values: [web, db]}", true),
    ("{key: app, operator: NotIn, values: [web]}", false),
    ("{key: tier, operator: NotIn, values: [web]}", true), ("{key: tier, operator: Exists}", false),
    ("{key: app, operator: Exists}", true), ("{key: tier, operator: DoesNotExist}", true),
  ]) func expressionsSelectAsInKubernetes(_ expression: String, _ isMatch: Bool) {
    let set = PolicySet([manifest(spec: "selector: {matchExpressions: [\(expression)]}")])
    #expect((set.match(app) != .unmatched) == isMatch)
  }

  @Test func anEmptySelectorIsForEveryPodOfTheNamespace() {
    #expect(
      PolicySet([manifest(spec: "selector: {}")]).effective(for: app)?.isOtherContainer == true)
  }

  @Test func severalPoliciesGiveAllRulesAndTheStrictestMode() {
    let set = PolicySet([
      selected(
        "one", mode: "monitor",
        "rulesByContainer: {nginx: {executables: {allowed: [/bin/a, /lib/]}}}"),
      selected(
        "two", mode: "protect",
        "rulesByContainer: {nginx: {executables: {allowed: [/bin/b, /lib]}}}"),
      selected("three", mode: "learn", "rulesByContainer: {other: {}}"),
    ])
    let effective = set.effective(for: app)
    #expect(effective?.mode == .protect)
    #expect(effective?.rules.map(\.path) == ["/bin/a", "/bin/b", "/lib", "/lib"])
    #expect(effective?.rules.map(\.isDirectory) == [false, false, false, true])
    #expect(effective?.policies.map(\.name) == ["one", "three", "two"])
    #expect(effective?.isOtherContainer == false)
  }

  @Test func aRelaxationNeedsEveryPolicyThatNamesTheContainer() {
    func relaxations(_ second: String) -> Relaxations? {
      PolicySet([
        selected("one", "rulesByContainer: {nginx: {allow: [writableLayer, laterMounts]}}"),
        selected("two", "rulesByContainer: {\(second)}"),
      ]).effective(for: app)?.relaxations
    }
    #expect(relaxations("nginx: {allow: [laterMounts, anonymousFiles]}") == [.laterMounts])
    #expect(relaxations("nginx: {}") == [])
    #expect(relaxations("other: {}") == [.writableLayer, .laterMounts])
  }

  /// To Swift's strings they are equal, to the kernel they are two files.
  @Test func pathsAreComparedByteByByte() {
    let set = PolicySet([
      selected("one", "rulesByContainer: {nginx: {executables: {allowed: [/\u{e9}, /e\u{301}]}}}")
    ])
    #expect(set.effective(for: app)?.rules.count == 2)
  }

  @Test(arguments: [["one", "two"], ["two", "one"]])
  func anInterpreterIsImpliedOnlyIfEveryPolicyThatListsThePathSaysSo(_ names: [String]) {
    let set = PolicySet([
      selected(names[0], "rulesByContainer: {nginx: {executables: {allowed: [/a, /b]}}}"),
      selected(
        names[1],
        "rulesByContainer: {nginx: {executables: {allowed: [/b, /c], interpreters: listed}}}"),
    ])
    #expect(set.effective(for: app)?.rules.map(\.interpretersImplied) == [true, false, false])
  }

  @Test(
    arguments: [
      ([nil], PolicyMode.monitor), (["ignore"], nil), (["protect"], .protect),
      (["ignore", nil], .monitor), (["ignore", "ignore"], nil),
      (["monitor", "protect", "ignore"], .protect),
    ] as [([String?], PolicyMode?)])
  func containersThatNoPolicyNamesFollowOtherContainers(_ written: [String?], _ mode: PolicyMode?) {
    let set = PolicySet(
      written.enumerated().map { index, other in
        selected(
          "p\(index)", mode: "protect",
          "rulesByContainer: {x: {}}" + (other.map { "\notherContainers: \($0)" } ?? ""))
      })
    #expect(set.effective(for: app)?.mode == mode)
    if mode == nil {
      #expect(
        set.match(app)
          == .ignored(by: written.indices.map { PolicyName(namespace: "shop", name: "p\($0)") }))
    } else {
      #expect(set.effective(for: app)?.isOtherContainer == true)
      #expect(set.effective(for: app)?.rules == [])
    }
  }

  @Test func aFurtherPolicyNeverLiftsProtectFromOtherContainers() {
    let strict = selected(
      "strict", mode: "protect", "rulesByContainer: {x: {}}\notherContainers: protect")
    let lax = selected(
      "lax", mode: "learn", "rulesByContainer: {nginx: {executables: {allowed: [/bin/a]}}}")
    #expect(PolicySet([strict]).effective(for: app)?.mode == .protect)
    #expect(PolicySet([strict, lax]).effective(for: app)?.mode == .protect)
    #expect(
      PolicySet([lax, selected("silent", "rulesByContainer: {x: {}}")]).effective(for: app)?.mode
        == .learn)
  }

  @Test func runningProcessesAreKilledIfAnyPolicySaysSo() {
    let rules = "rulesByContainer: {nginx: {}}"
    let silent = selected("silent", rules)
    let killing = selected("killing", rules + "\nrunningProcesses: kill")
    let reporting = selected("reporting", rules + "\nrunningProcesses: report")
    #expect(PolicySet([silent]).effective(for: app)?.runningProcesses == .report)
    #expect(PolicySet([silent, killing, reporting]).effective(for: app)?.runningProcesses == .kill)
    #expect(PolicySet([silent, reporting]).effective(for: app)?.runningProcesses == .report)
  }

  @Test func theSandboxOfAPodIsLeftAloneUnlessNamed() {
    let set = PolicySet([
      selected("web", mode: "protect", "rulesByContainer: {POD: {}}\notherContainers: protect")
    ])
    var pause = app
    pause.containerKind = .sandbox
    #expect(set.effective(for: pause) == nil)
    pause.containerName = "POD"
    #expect(set.effective(for: pause)?.mode == .protect)
  }

  /// 80 random sets of policies, each in 3 orders. The names of the policies and of the files decide
  /// the order in which they are looked at, so both are dealt out anew each time.
  @Test func theOutcomeIsTheSameWhateverTheOrder() {
    var random = SeededGenerator(seed: 2026)
    func outcome(_ files: [PolicyFile]) -> EffectivePolicy? {
      var effective = PolicySet(files: files).effective(for: app)
      effective?.policies = []
      return effective
    }
    for round in 0..<80 {
      let count = Int.random(in: 1...6, using: &random)
      let bodies = (0..<count).map { _ in randomPolicy("NAME", &random) }
      func deal(_ order: [Int]) -> [PolicyFile] {
        zip(order, bodies).map {
          file("\($0).yaml", $1.replacingOccurrences(of: "NAME", with: "p\($0)"))
        }
      }
      let reference = outcome(deal(Array(0..<count)))
      let files = deal(Array(0..<count))
      #expect(PolicySet(files: files) == PolicySet(files: files.reversed()))
      for _ in 0..<3 {
        let files = deal((0..<count).shuffled(using: &random)).shuffled(using: &random)
        #expect(outcome(files) == reference, "round \(round)")
      }
    }
  }

  /// Adding a policy never makes the mode laxer nor adds a relaxation to a container it shares.
  @Test func aFurtherPolicyNeverLoosensAnythingButTheList() {
    var random = SeededGenerator(seed: 11)
    for round in 0..<150 {
      let texts = (0..<4).map { randomPolicy("p\($0)", &random) }
      let few = PolicySet(Array(texts.dropLast())).match(app)
      let all = PolicySet(texts).match(app)
      guard case .judged(let before) = few, !before.isOtherContainer, case .judged(let after) = all
      else { continue }
      #expect(after.mode >= before.mode, "round \(round)")
      #expect(before.relaxations.isSuperset(of: after.relaxations), "round \(round)")
      #expect(Set(before.rules.map(\.path)).isSubset(of: after.rules.map(\.path)), "round \(round)")
    }
  }

  private func randomPolicy(_ name: String, _ random: inout SeededGenerator) -> String {
    let mode = PolicyMode.allCases.randomElement(using: &random)!.rawValue
    let paths = ["/a", "/b", "/c/", "/c", "/d/e"].filter { _ in Bool.random(using: &random) }
    let allow = Relaxations.byName.map(\.name).filter { _ in Bool.random(using: &random) }
    let container = ["nginx", "nginx", "sidecar"].randomElement(using: &random)!
    let interpreters = Interpreters.allCases.randomElement(using: &random)!.rawValue
    var spec =
      "rulesByContainer: {\(container): {executables: {allowed: [\(paths.joined(separator: ", "))], interpreters: \(interpreters)}, allow: [\(allow.joined(separator: ", "))]}}"
    if let other = (OtherContainers.allCases.map(\.rawValue) + [""]).randomElement(using: &random),
      !other.isEmpty
    {
      spec += "\notherContainers: \(other)"
    }
    return selected(name, mode: mode, spec)
  }
}

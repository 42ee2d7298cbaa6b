// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Foundation
import Logging
import Policy
import Shared
import Testing

@testable import Admission

/// Hooks as a runtime sends them, for real processes in cgroups and namespaces of their own, and
/// the real maps. No program is attached: what is asserted is what the gate would read.
@Suite(.enabled(if: Node.canHoldMaps, "needs root, bpffs, cgroup2 and bpf/gate.bpf.o (make build)"))
struct RegistryTests {
  @Test func aContainerIsBoundConfirmedAndRemoved() async throws {
    let node = try Node()
    let web = try node.container("web")
    let answer = await node.hook(.createRuntime, web)
    #expect(answer.outcome == .bound, "\(String(decoding: answer.reason, as: UTF8.self))")
    #expect(node.gate.bindings.keys == [web.cgroup])
    #expect(await node.hook(.poststart, web).outcome == .confirmed)
    #expect(await node.hook(.poststop, web).outcome == .removed)
    #expect(node.gate.bindings.keys.isEmpty && node.gate.ruleSets.ids.isEmpty)
  }

  /// Its hook gave up waiting, and mapd reads the question when the workload runs: its root is
  /// known now and does not wait for an exec of its init, which may never come.
  @Test func aQuestionThatIsReadTooLateIsAboutARunningContainer() async throws {
    let node = try Node()
    let slow = try node.container("slow", hasStarted: true)
    let early = try node.container("early")
    #expect(await node.hook(.createRuntime, slow).outcome == .bound)
    #expect(await node.hook(.createRuntime, early).outcome == .bound)
    #expect(await node.registry.records["slow"]?.hasStarted == true)
    #expect(await node.registry.records["early"]?.hasStarted == false)
  }

  @Test(arguments: [Phase.createRuntime, .poststart])
  func anIDThatRunsIsNotGivenToAnotherContainer(_ phase: Phase) async throws {
    let node = try Node()
    let first = try node.container("web")
    #expect(await node.hook(.createRuntime, first).outcome == .bound)
    // another runtime's container of the same id, from another bundle and from the same one
    for bundle in ["other", "web"] {
      let second = try node.container("web", bundle: bundle)
      let answer = await node.hook(phase, second)
      #expect(answer.outcome == .refused)
      #expect(String(decoding: answer.reason, as: UTF8.self).contains(first.bundle))
      // poststop of the one that was refused
      if bundle != "web" { _ = await node.hook(.poststop, second) }
    }
    #expect(node.gate.bindings.keys == [first.cgroup])
    #expect(await node.hook(.poststart, first).outcome == .confirmed)
    #expect(await node.registry.records["web"]?.bundle == first.bundle)
  }

  @Test(arguments: [Phase.createRuntime, .poststart])
  func anIDIsUsedAgainAfterItsContainerEnded(_ phase: Phase) async throws {
    let node = try Node()
    let first = try node.container("web")
    #expect(await node.hook(.createRuntime, first).outcome == .bound)
    first.end()
    let second = try node.container("web", bundle: "other")
    #expect(await node.hook(phase, second).outcome == .bound)
    #expect(node.gate.bindings.keys == [second.cgroup])
    #expect(await node.registry.records["web"]?.pid == second.pid)
  }

  /// Its workload was over before the runtime came to poststart; runc and crun fail the start when
  /// this hook does.
  @Test func aContainerThatEndedBeforeItsPoststartIsNoFailure() async throws {
    let node = try Node()
    let (known, unknown) = (try node.container("known"), try node.container("unknown"))
    #expect(await node.hook(.createRuntime, known).outcome == .bound)
    for one in [known, unknown] { one.end() }
    #expect(await node.hook(.poststart, known).outcome == .confirmed)
    #expect(await node.hook(.poststart, unknown).outcome == .unmanaged)
    #expect(await node.registry.records["unknown"] == nil)
  }

  @Test func aNextRegistryKnowsWhatTheOneBeforeBound() async throws {
    let node = try Node()
    let web = try node.container("web")
    #expect(await node.hook(.createRuntime, web).outcome == .bound)
    let ruleSets = node.gate.ruleSets.ids
    try await node.restart()
    #expect(node.gate.bindings.keys == [web.cgroup] && node.gate.ruleSets.ids == ruleSets)
    #expect(await node.hook(.poststart, web).outcome == .confirmed)
    #expect(node.registry.container(of: web.cgroup, binding: node.binding(of: web))?.identity.id == "web")
  }

  @Test func aContainerThatEndedWithoutMapdIsForgotten() async throws {
    let node = try Node()
    let web = try node.container("web")
    #expect(await node.hook(.createRuntime, web).outcome == .bound)
    web.end()
    try await node.restart()
    #expect(node.gate.bindings.keys.isEmpty && node.gate.ruleSets.ids.isEmpty)
    #expect(await node.registry.records.isEmpty)
  }

  @Test func aChangeOfPolicyReachesEveryContainer() async throws {
    let node = try Node()
    let (web, other) = (try node.container("web"), try node.container("other"))
    for one in [web, other] { #expect(await node.hook(.createRuntime, one).outcome == .bound) }
    // equal contents, one rule set
    let shared = node.ruleSet(of: web)
    #expect(node.ruleSet(of: other) == shared)
    let generation = node.gate.ruleSets.generation(of: shared)
    await node.registry.apply(Node.policies(allowed: ["/bin/sh", "/bin/true"]))
    #expect(node.ruleSet(of: web) == shared && node.ruleSet(of: other) == shared)
    #expect(node.gate.ruleSets.generation(of: shared) != generation)

    await node.registry.apply(.empty)
    #expect(node.gate.bindings.keys.isEmpty && node.gate.ruleSets.ids.isEmpty)
    await node.registry.apply(Node.policies())
    #expect(Set(node.gate.bindings.keys) == [web.cgroup, other.cgroup])
  }

  @Test func rulesThatDoNotFitLeaveThoseOfBeforeInForce() async throws {
    let node = try Node(rules: 8)
    let web = try node.container("web")
    #expect(await node.hook(.createRuntime, web).outcome == .bound)
    let before = node.ruleSet(of: web)
    let generation = node.gate.ruleSets.generation(of: before)
    await node.registry.apply(Node.policies(allowed: (0..<20).map { "/bin/program\($0)" }))
    #expect(node.ruleSet(of: web) == before && node.gate.ruleSets.generation(of: before) == generation)
    // and one that is new does not start
    let other = try node.container("other")
    let answer = await node.hook(.createRuntime, other)
    #expect(answer.outcome == .refused && String(decoding: answer.reason, as: UTF8.self).contains("rules is full"))
    #expect(node.gate.bindings.keys == [web.cgroup])
  }
}

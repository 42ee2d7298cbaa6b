// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Shared

@Suite struct FailPolicyTests {
  private let containerd = "io.kubernetes.cri.sandbox-namespace"
  private let crio = "io.kubernetes.pod.namespace"

  private func decide(
    _ policy: FailPolicy, _ annotations: [(String, String)] = [], phase: Phase = .createRuntime
  ) -> FailPolicy.Decision {
    policy.decide(
      phase: phase,
      annotations: annotations.map { Annotation(key: .init($0), value: .init($1)) })
  }

  @Test func `the default is open`() {
    #expect(decide(FailPolicy()) == .open)
    #expect(FailPolicy().annotationKeys.isEmpty)
  }

  @Test func `closed is closed for containers without a namespace too`() {
    var policy = FailPolicy()
    policy.standard = .closed
    #expect(decide(policy) == .closed)
    #expect(decide(policy, [(containerd, "shop")]) == .closed)
  }

  @Test func `a named namespace is closed on containerd and on CRI-O`() {
    var policy = FailPolicy()
    policy.closedNamespaces = [.init("shop")]
    for key in [containerd, crio] {
      #expect(decide(policy, [(key, "shop")]) == .closed)
      #expect(decide(policy, [(key, "shop2")]) == .open)
    }
  }

  @Test func `an annotation closes with any value or with the one given`() {
    var policy = FailPolicy()
    policy.closedAnnotations = [
      .init(key: .init("a"), value: nil), .init(key: .init("b"), value: .init("1")),
    ]
    #expect(decide(policy, [("a", "")]) == .closed)
    #expect(decide(policy, [("b", "1")]) == .closed)
    #expect(decide(policy, [("b", "2")]) == .open)
    #expect(decide(policy, [("c", "1")]) == .open)
  }

  @Test func `an exempt namespace is open whatever else is named`() {
    var policy = FailPolicy()
    policy.standard = .closed
    policy.closedAnnotations = [.init(key: .init("a"), value: nil)]
    policy.exemptNamespaces.append(.init("kube-system"))
    #expect(decide(policy, [(containerd, "kube-system"), ("a", "")]) == .open)
    #expect(decide(policy, [(containerd, "holdfast")]) == .open)
    #expect(decide(policy, [(containerd, "shop"), ("a", "")]) == .closed)
  }

  @Test func `two annotations that disagree exempt nothing`() {
    var policy = FailPolicy()
    policy.closedNamespaces = [.init("shop")]
    #expect(decide(policy, [(containerd, "shop"), (crio, "holdfast")]) == .closed)
    #expect(decide(policy, [(containerd, "holdfast"), (crio, "shop")]) == .closed)
  }

  @Test func `after the start nothing is closed`() {
    var policy = FailPolicy()
    policy.standard = .closed
    #expect(decide(policy, phase: .poststart) == .open)
    #expect(decide(policy, phase: .poststop) == .open)
  }

  @Test func `the parser keeps what the policy asks for`() {
    var policy = FailPolicy()
    policy.closedAnnotations = [
      .init(key: .init("a"), value: nil), .init(key: .init("a"), value: .init("1")),
    ]
    #expect(policy.annotationKeys == [.init("a"), .init(containerd), .init(crio)])
  }
}

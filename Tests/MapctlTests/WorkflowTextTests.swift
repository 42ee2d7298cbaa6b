// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Foundation
import Testing

@testable import mapctl

/// What a workload can put into the name of an executable, an argument or a pod.
private let hostile = [
  "\u{1b}[2J", "\r/bin/good", "\nno difference", "\u{202e}gpj.exe", "\u{9b}31m", "a\u{301}\u{301}",
]

private func record(_ name: String) -> ViolationRecord {
  var event = ViolationEvent.of("/tmp/" + name)
  event.pod = name
  event.comm = name
  event.process = ProcessDetails(parentExecutable: name, arguments: [name, name])
  return ViolationRecord(id: 7, latest: event, count: 3, first: name, last: name)
}

private func proposal(_ name: String) -> ProposalReport {
  ProposalReport(
    namespace: "shop", name: name, file: name, first: name, last: name,
    containers: [
      .init(
        name: name, images: [name],
        executables: [
          .init(
            path: name, listed: false, unlisted: name, count: 1, first: name, last: name, sources: [name],
            roles: [name], origin: "writableLayer", pods: [name])
        ])
    ], dropped: 1, policyMode: name, manifest: name)
}

private func explanation(_ name: String) -> Explanation {
  Explanation(
    containerID: name, container: name, pod: name, namespace: name, asked: name, outcome: name, reason: name,
    steps: [.init(path: name, role: "executable", found: name, origin: name, rule: name, reason: name)],
    policies: [name], mode: name, ruleSetID: 1, generation: 1, bindingID: 1, sealed: true, notes: [name])
}

private func edit(_ name: String) -> PolicyEdit {
  PolicyEdit(policies: [name], file: name, before: name, after: "a: b", covered: [name], losing: [name], notes: [name])
}

private func readiness(_ name: String) -> ReadinessReport {
  ReadinessReport(
    policy: name, mode: name, since: name, containers: [name], wouldRefuse: [record(name)], acknowledgedCount: 0,
    resolvedCount: 0, obstacles: [name])
}

private func picture(_ name: String) -> Picture {
  Picture(status: .good, containers: [], violations: [record(name)], seconds: 1)
}

@Suite struct WorkflowTextTests {
  @Test(arguments: hostile) func namesOfWorkloadsCannotActOnTheTerminal(_ name: String) {
    let style = Style()
    let shown = [
      ViolationsText.render([record(name)], for: style), ViolationsText.Stream(style: style).render(record(name)),
      ProposalsText.render([proposal(name)], for: style), ProposalsText.render(proposal(name), for: style),
      ExplanationText.render(explanation(name), for: style), EditText.render(edit(name), for: style),
      EditText.done(edit(name)), ReadinessText.render(readiness(name), for: style),
      picture(name).render(since: nil, for: style, height: nil),
    ]
    for output in shown {
      for scalar in output.unicodeScalars where scalar != "\n" {
        #expect(isSafe(scalar), "\(scalar.value) in \(output)")
      }
    }
    #expect(shown[1].filter { $0 == "\n" }.count == 1)
  }

  @Test(arguments: [60, 80, 100, 160]) func tablesFitTheTerminal(_ width: Int) {
    let long = String(repeating: "a-long-name-", count: 8)
    let style = Style(width: width)
    let shown =
      ViolationsText.render([record(long)], for: style) + ViolationsText.Stream(style: style).render(record(long))
      + ExplanationText.render(explanation(long.replacingOccurrences(of: "-", with: " ")), for: style)
      + picture(long).render(since: nil, for: style, height: 24)
    for line in shown.split(separator: "\n") { #expect(columns(of: String(line)) <= width, "\(line)") }
  }

  @Test func aDiffShowsThreeLinesAround() {
    let before = (1...20).map(String.init).joined(separator: "\n") + "\n"
    let after = before.replacingOccurrences(of: "10\n", with: "ten\n") + "21\n"
    let lines = LineDiff.lines(before, after).map { $0.mark + $0.text }
    #expect(lines == [" 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13", " …", " 18", " 19", " 20", "+21"])
    #expect(LineDiff.lines(before, before).isEmpty)
  }

  @Test func aChangeIsOnlyMadeWhenItWasAgreedTo() throws {
    let shown = try FakeMapd([.edit(edit("/etc/web.yaml"))])
    let asked = try mapctl("policies", "delete", "web", "--socket", shown.path)
    #expect(asked.status == .usage && asked.errors.contains("there is nobody to ask; add --yes"))
    #expect(asked.output.contains("1 container loses its protection: /etc/web.yaml"))
    #expect(try shown.received() == ControlRequest(.delete, policy: "web"))
  }

  @Test func whatIsNewIsAFinding() throws {
    let new = try FakeMapd([.violation(record("x")), .end])
    #expect(try mapctl("violations", "--socket", new.path).status == .finding)
    var known = record("x")
    known.acknowledged = "2026-11-21T10:00:00Z"
    let old = try FakeMapd([.violation(known), .end])
    #expect(try mapctl("violations", "web", "--socket", old.path).status == .success)
    #expect(try old.received() == ControlRequest(.violations, policy: "web"))
  }
}

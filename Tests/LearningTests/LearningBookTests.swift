// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement
import Policy
import Testing

@testable import Learning

private let web = PolicyName(namespace: "shop", name: "web")

private func sighting(
  _ path: String, container: String = "nginx", pod: String = "web-1", role: String = "program",
  origin: String = "image",
  unlisted: String? = nil, labels: [String: String]? = ["app": "web"], workload: PolicyName = web
) -> LearningBook.Sighting {
  LearningBook.Sighting(
    workload: workload, labels: labels, container: container, image: "web:1", place: pod, path: Array(path.utf8),
    time: "2026-11-21T09:00:00Z", source: "exec", role: role, origin: origin, unlisted: unlisted)
}

private func report(_ number: UInt64) -> ReportKey {
  ReportKey(cgroup: CgroupKey(id: number), path: [1, 2], reason: 1, verdict: 3)
}

@Suite struct LearningBookTests {
  @Test func theProposalDoesNotDependOnTheOrder() throws {
    let paths = ["/usr/sbin/nginx", "/bin/sh", "/bin/a b", "/usr/bin/é"]
    var texts = Set<String>()
    for order in [paths, paths.reversed(), [paths[2], paths[0], paths[3], paths[1]]] {
      var book = LearningBook()
      for path in order { book.add(sighting(path)) }
      texts.insert(try PolicyEmitter.yaml(book.workloads[web]!.proposal))
    }
    #expect(texts.count == 1)
    let parsed = PolicyParser.parse(Array(texts.first!.utf8), file: "f")
    #expect(parsed.problems.isEmpty && parsed.policies.first?.policy.kind == .proposal)
    #expect(parsed.policies.first?.policy.rulesByContainer["nginx"]?.allowed.count == 4)
  }

  @Test func containersAreKeptApartAndReplicasMerge() {
    var book = LearningBook()
    book.add(sighting("/bin/a", container: "init"), key: report(1), count: 2)
    book.add(sighting("/bin/b", pod: "web-1"), key: report(2), count: 3)
    book.add(sighting("/bin/b", pod: "web-2"), key: report(3), count: 4)
    book.advance(report(3), count: 10, time: "2026-11-21T10:00:00Z")
    let workload = book.workloads[web]!
    #expect(
      workload.proposal.rulesByContainer.mapValues { $0.allowed.map(\.path) } == [
        "init": ["/bin/a"], "nginx": ["/bin/b"],
      ])
    let executable = workload.containers["nginx"]!.executables[Array("/bin/b".utf8)]!
    #expect(executable.count == 13 && executable.pods == ["web-1", "web-2"])
  }

  @Test func onlyLabelsThatAllPodsHaveSelect() {
    var book = LearningBook()
    book.add(sighting("/bin/a", labels: ["app": "web", "version": "1"]))
    book.add(sighting("/bin/a", labels: ["app": "web", "version": "2"]))
    #expect(book.workloads[web]!.proposal.selector == LabelSelector(matchLabels: ["app": "web"]))
    book.add(sighting("/bin/a", labels: [:]))
    #expect(book.workloads[web]!.proposal.selector == nil)
  }

  @Test func interpretersOfScriptsAndForgedPathsAreNotProposed() {
    var book = LearningBook()
    book.add(sighting("/opt/script"))
    book.add(sighting("/bin/sh", role: "interpreter"))
    book.add(sighting("/bin/forged", unlisted: "the process has left the mount namespace of its container"))
    #expect(book.workloads[web]!.proposal.rulesByContainer["nginx"]!.allowed.map(\.path) == ["/opt/script"])
    // Later run by itself, and the other one seen in its place.
    book.add(sighting("/bin/sh"))
    book.add(sighting("/bin/forged"))
    #expect(book.workloads[web]!.proposal.rulesByContainer["nginx"]!.allowed.count == 3)
    // Once listed a forgery does not take it away.
    book.add(sighting("/bin/forged", unlisted: "forged"))
    #expect(book.workloads[web]!.proposal.rulesByContainer["nginx"]!.allowed.count == 3)
  }

  @Test func whatFindsNoRoomIsCounted() {
    var book = LearningBook()
    for number in 0..<(LearningBook.executablesMax + 5) {
      let hasRoom = book.add(sighting("/bin/\(number)"))
      #expect(hasRoom == (number < LearningBook.executablesMax))
    }
    #expect(book.workloads[web]!.dropped == 5)
    let isKnown = book.add(sighting("/bin/0"))
    #expect(isKnown)
    for number in 0..<(LearningBook.containersMax + 2) { book.add(sighting("/bin/x", container: "c\(number)")) }
    #expect(book.workloads[web]!.dropped == 8)
    for number in 0..<(LearningBook.workloadsMax + 1) {
      book.add(sighting("/bin/x", workload: PolicyName(namespace: "n", name: "w\(number)")))
    }
    #expect(book.droppedWorkloads == 2)
  }

  @Test func theLongestProposalIsStillAPolicyFile() throws {
    var book = LearningBook()
    let name = String(repeating: "\u{1}", count: 250)
    for number in 0..<2000 {
      book.add(sighting("/\(name)/\(name)/\(number)", container: "c\(number / 400)"))
    }
    #expect(book.workloads[web]!.dropped > 0)
    let text = try PolicyEmitter.yaml(book.workloads[web]!.proposal)
    #expect(text.utf8.count < 1 << 20 && PolicyParser.parse(Array(text.utf8), file: "f").problems.isEmpty)
  }

  @Test func whatWasLearnedIsReadBack() throws {
    var book = LearningBook()
    book.add(sighting("/bin/b"), key: report(2), count: 3)
    book.add(sighting("/\u{fffd}"))
    let line = try ControlCoding.line(LearningPage(book.workloads[web]!, boot: "now"))
    let page = try ControlCoding.value(LearningPage.self, from: line)
    var next = LearningBook()
    next.restore(page.workload(boot: "now"))
    next.advance(report(2), count: 5, time: "2026-11-21T10:00:00Z")
    let path = Array("/bin/b".utf8)
    #expect(next.workloads[web]!.containers["nginx"]!.executables[path]!.count == 5)
    #expect(next.workloads[web]!.proposal == book.workloads[web]!.proposal)
    var rebooted = LearningBook()
    rebooted.restore(page.workload(boot: "later"))
    rebooted.add(sighting("/bin/b"), key: report(2), count: 1)
    #expect(rebooted.workloads[web]!.containers["nginx"]!.executables[path]!.count == 4)
  }
}

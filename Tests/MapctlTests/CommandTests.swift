// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Foundation
import Testing

@testable import mapctl

/// mapctl from arguments to output and exit status, against a fake mapd.
@Suite struct CommandTests {
  @Test func statusExitsZeroWhileTheGateIsAttached() throws {
    let mapd = try FakeMapd([.status(.good)])
    let result = try mapctl("status", "--socket", mapd.path)
    #expect(result.status == .success)
    #expect(result.output.hasPrefix("protecting    yes\nattach point  lsm\n"))
    #expect(result.errors == "")
    #expect(try mapd.received() == ControlRequest(.status))
  }

  @Test func statusExitsZeroWhenDegraded() throws {
    var status = StatusReport.good
    status.attachPoint = "kill"
    status.degraded = "a refused program is killed after it was opened"
    let mapd = try FakeMapd([.status(status)])
    let result = try mapctl("--socket", mapd.path, "status")
    #expect(result.status == .success)
    #expect(result.output.contains("protecting    yes, degraded\n"))
  }

  @Test func statusExitsOneWhenNothingIsProtected() throws {
    var status = StatusReport.good
    status.gateAttached = false
    status.attachPoint = "none"
    let mapd = try FakeMapd([.status(status)])
    let result = try mapctl("status", environment: ["HOLDFAST_SOCKET": mapd.path])
    #expect(result.status == .finding)
    #expect(result.output.hasPrefix("protecting    no: "))
  }

  @Test func policiesExitsOneWhenAFileHasProblems() throws {
    let mapd = try FakeMapd([.policies([.bad, .web])])
    let result = try mapctl("policies", "--socket", mapd.path)
    #expect(result.status == .finding)
    #expect(result.output.contains("\nbad.yaml:3:9: spec.mode: is empty; write one\n"))
    let good = try FakeMapd([.policies([.web])])
    #expect(try mapctl("policies", "--socket", good.path).status == .success)
  }

  @Test func containersShowsResolvedLinks() throws {
    let mapd = try FakeMapd([.containers([.nginx])])
    let result = try mapctl("containers", "--socket", mapd.path)
    #expect(result.status == .success)
    #expect(result.output.contains("nginx      web-0  shop"))
    #expect(
      result.output.hasSuffix("\nnginx: /bin/sh is a link to /usr/bin/dash; both are listed\n"))
  }

  @Test func jsonIsAnObjectAnArrayOrALineEach() throws {
    let status = try FakeMapd([.status(.good)])
    #expect(
      try ControlCoding.value(
        StatusReport.self, from: mapctl("--json", "status", "--socket", status.path).output.utf8)
        == .good)
    let containers = try FakeMapd([.containers([.nginx])])
    #expect(
      try ControlCoding.value(
        [ContainerReport].self,
        from: mapctl("containers", "--json", "--socket", containers.path).output.utf8) == [.nginx])
    let policies = try FakeMapd([.policies([.web, .bad])])
    let result = try mapctl("policies", "--json", "--socket", policies.path)
    #expect(result.status == .finding)
    #expect(try ControlCoding.value([PolicyReport].self, from: result.output.utf8) == [.web, .bad])
    let events = try FakeMapd([.event(.of("/bin/a")), .event(.of("/bin/b")), .end])
    let lines = try mapctl("events", "--json", "--socket", events.path).output.split(
      separator: "\n")
    #expect(
      try lines.map { try ControlCoding.value(ViolationEvent.self, from: $0.utf8).executable } == [
        "/bin/a", "/bin/b",
      ])
  }

  @Test func eventsPassesLimitAndFollowOn() throws {
    let mapd = try FakeMapd([.event(.of("/bin/a")), .end])
    let result = try mapctl("events", "--limit", "5", "--socket", mapd.path)
    #expect(result.status == .success)
    #expect(result.output.contains("refused   shop/web-0/nginx  /bin/a"))
    #expect(result.output.hasSuffix("notListed     sh[12] uid 33 ×2\n"))
    #expect(try mapd.received() == ControlRequest(.events, limit: 5))
    let following = try FakeMapd([.event(.of("/bin/a"))])
    // mapd went away: events may be missed, so this is no success.
    #expect(try mapctl("events", "--follow", "--socket", following.path).status == .unreachable)
    #expect(try following.received() == ControlRequest(.events, follow: true))
  }

  @Test func eventsThatWereCutOffAreNoSuccess() throws {
    let mapd = try FakeMapd([.event(.of("/bin/a"))])
    let result = try mapctl("events", "--socket", mapd.path)
    #expect(result.status == .unreachable)
    #expect(result.output.contains("/bin/a"))
    #expect(result.errors.contains("closed the connection in the middle of the events"))
  }

  @Test func aReaderThatGoesAwayEndsFollowingQuietly() throws {
    let mapd = try FakeMapd(
      Array(repeating: try ControlCoding.line(ControlResponse.event(.of("/bin/a"))), count: 50)
        .flatMap { $0 }, staysOpen: true)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    defer { close(ends[1]) }
    signal(SIGPIPE, SIG_IGN)
    let errors = tmpfile()!
    defer { fclose(errors) }
    let status = run(
      arguments: ["events", "--follow", "--socket", mapd.path],
      in: Context(
        environment: Environment(), output: Output(ends[1]), errors: Output(fileno(errors))))
    #expect(status == .success)
    #expect(lseek(fileno(errors), 0, SEEK_END) == 0)
  }

  @Test func anErrorOfMapdExitsFourAndIsToldOnce() throws {
    let mapd = try FakeMapd([
      .failure(
        .init(message: "the maps cannot be read: \u{1b}[2JNo such file", remedy: "restart mapd"))
    ])
    let result = try mapctl("status", "--socket", mapd.path)
    #expect(result.status == .refused)
    #expect(result.output == "")
    #expect(
      result.errors
        == "mapctl: mapd at \(mapd.path) refused: the maps cannot be read: \\u{1b}[2JNo such file; restart mapd\n"
    )
  }

  @Test(arguments: ["not json\n", "{}\n", "{\"ok\":true}\n", "{\"ok\":true,\"containers\":[]}\n"])
  func anAnswerThatIsNoneExitsFour(_ answer: String) throws {
    let mapd = try FakeMapd(Array(answer.utf8))
    let result = try mapctl("status", "--socket", mapd.path)
    #expect(result.status == .refused)
    #expect(result.errors.contains("install mapctl and mapd of the same release"))
  }

  @Test(arguments: ["", "{\"ok\":tr"]) func anAnswerThatIsCutOffExitsThree(_ answer: String) throws {
    let mapd = try FakeMapd(Array(answer.utf8))
    let result = try mapctl("status", "--socket", mapd.path)
    #expect(result.status == .unreachable)
    #expect(result.errors.contains("closed the connection before it answered"))
  }

  @Test func noMapdExitsThreeAndSaysWhatToDo() throws {
    let result = try mapctl("status", "--socket", "/nowhere/c.sock")
    #expect(result.status == .unreachable)
    #expect(
      result.errors
        == "mapctl: cannot reach mapd at /nowhere/c.sock: No such file or directory; start mapd (systemctl start mapd), or name its socket with --socket\n"
    )
  }

  @Test func aMapdThatHangsExitsThree() throws {
    let mapd = try FakeMapd([], staysOpen: true)
    let client = ControlClient(path: mapd.path, patience: 1)
    let failure = #expect(throws: Failure.self) { try client.ask(ControlRequest(.status)) }
    #expect(failure?.status == .unreachable)
    #expect(failure?.message.contains("did not answer within 1 seconds") == true)
  }

  @Test(arguments: [
    [], ["bogus"], ["status", "--colour"], ["events", "--limit=-1"], ["events", "--limit", "x"],
    ["policies", "validate"],
    ["status", "--socket", String(repeating: "x", count: 200)],
  ]) func whatIsNotUnderstoodExitsTwo(_ arguments: [String]) throws {
    let errors = tmpfile()!
    defer { fclose(errors) }
    let status = run(
      arguments: arguments,
      in: Context(environment: Environment(), output: Output(-1), errors: Output(fileno(errors))))
    #expect(status == .usage)
    #expect(lseek(fileno(errors), 0, SEEK_END) > 0)
  }

  @Test func helpDocumentsTheExitStatus() throws {
    let result = try mapctl("--help")
    #expect(result.status == .success)
    #expect(result.output.contains("3  mapd cannot be reached"))
    #expect(result.errors == "")
    #expect(try mapctl("--version").output == "0.1.0\n")
  }

  @Test func validateNeedsNoMapd() throws {
    let directory = NSTemporaryDirectory() + "validate-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let good =
      "apiVersion: security.rancher.io/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: x}\nspec: {mode: learn}\n"
    try good.write(toFile: directory + "/good.yaml", atomically: true, encoding: .utf8)
    let fine = try mapctl("policies", "validate", directory + "/good.yaml")
    #expect(fine.status == .success)
    #expect(fine.output == "1 file, 1 policy, 0 problems\n")
    try good.replacingOccurrences(of: "learn", with: "lurn").write(
      toFile: directory + "/bad.yaml", atomically: true, encoding: .utf8)
    let result = try mapctl("policies", "validate", directory)
    #expect(result.status == .finding)
    #expect(
      result.output.hasPrefix("\(directory)/bad.yaml:4:14: spec.mode: \"lurn\" is not known here"))
    #expect(result.output.hasSuffix("2 files, 1 policy, 1 problem\n"))
    let json = try mapctl("policies", "validate", "--json", directory, directory + "/none.yaml")
    #expect(json.status == .finding)
    #expect(
      try ControlCoding.value([PolicyReport.Problem].self, from: json.output.utf8).map(\.line) == [
        4, 0,
      ])
  }
}

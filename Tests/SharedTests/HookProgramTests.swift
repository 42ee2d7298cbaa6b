// SPDX-License-Identifier: Apache-2.0

import Shared
import StateParser
import Testing

private let state =
  #"{"ociVersion":"1.0","id":"web-0","status":"creating","pid":7,"bundle":"/run/b","annotations":"#
  + #"{"io.kubernetes.cri.sandbox-namespace":"shop","guard":"yes"}}"#
private let startedState = state.replacing("creating", with: "running")
private let stoppedState = state.replacing("creating", with: "stopped")

private func only(_ line: String) -> Bool {
  line.hasPrefix("oci-hook: ") && line.hasSuffix("\n") && line.filter { $0.isNewline }.count == 1
}

/// The real program against a fake mapd: what it asks, how it ends, what it says. One at a
/// time, so that no hook inherits a descriptor of another's fake mapd.
@Suite(.serialized) enum HookTests {}

extension HookTests {
  @Suite struct HookProgramTests {
    @Test(arguments: Fixtures.runtimes)
    func `mapd is asked what the runtime said`(runtime: String) throws {
      for (phase, outcome) in [
        (.createRuntime, .bound), (.poststart, .confirmed), (.poststop, .removed),
      ] as [(Phase, HookAnswer.Outcome)] {
        let mapd = FakeMapd(.answer(HookAnswer(outcome)))
        defer { mapd.stop() }
        let json = try Fixtures.state(runtime, "\(phase)")
        let ending = try HookProgram.run(["--socket", mapd.path, "\(phase)"], input: .bytes(json))
        #expect(ending.code == 0 && ending.stderr.isEmpty && !ending.leftBehind)
        let read = try ContainerState(json: json, phase: phase)
        // The recorded process is none of this machine, or another one.
        let asked = mapd.requests.map { request in
          var request = request
          request.startTicks = 0
          return request
        }
        #expect(
          asked == [
            HookRequest(
              phase: phase, status: read.status, pid: read.pid, id: read.id,
              bundle: read.bundle)
          ])
      }
    }

    @Test func `a refusal by mapd is exit 1 in every phase and under every policy`() throws {
      let mapd = FakeMapd(.answer(HookAnswer(.refused, reason: .init("no policy\nfor \u{1b}[2J"))))
      defer { mapd.stop() }
      for (phase, state) in [
        ("createRuntime", state), ("poststart", startedState), ("poststop", stoppedState),
      ] {
        for policy in ["open", "closed"] {
          let ending = try HookProgram.run(
            ["--socket", mapd.path, "--fail", policy, phase], state: state)
          #expect(ending.code == 1 && only(ending.stderr))
          #expect(
            ending.stderr.hasSuffix(
              #"container web-0 refused by mapd: no policy\x0afor \x1b[2J"# + "\n"))
        }
      }
    }

    @Test func `an unmanaged container starts silently`() throws {
      let mapd = FakeMapd(.answer(HookAnswer(.unmanaged)))
      defer { mapd.stop() }
      let ending = try HookProgram.run(["createRuntime", "--socket", mapd.path], state: state)
      #expect(ending.code == 0 && ending.stderr.isEmpty)
    }

    @Test(
      arguments: [
        ([], 0), (["--fail", "open"], 0), (["--fail", "closed"], 1),
        (["--fail-closed-namespace", "shop"], 1), (["--fail-closed-namespace", "other"], 0),
        (["--fail-closed-annotation", "guard"], 1), (["--fail-closed-annotation", "guard=yes"], 1),
        (["--fail-closed-annotation", "guard=no"], 0), (["--fail-closed-annotation", "absent"], 0),
        (["--fail", "closed", "--exempt-namespace", "shop"], 0),
        (["--fail-closed-annotation", "guard", "--exempt-namespace", "shop"], 0),
      ] as [([String], Int32)])
    func `without mapd the fail policy decides and says so`(options: [String], code: Int32) throws {
      let ending = try HookProgram.run(
        ["--socket", "/tmp/hf-no-such-socket"] + options + ["createRuntime"], state: state)
      #expect(ending.code == code && only(ending.stderr))
      #expect(ending.stderr.contains(code == 0 ? "WITHOUT PROTECTION" : "not started"))
      #expect(
        ending.stderr.contains("web-0") && ending.stderr.contains("No such file or directory"))
    }

    @Test func `a line that the runtime would not show goes to the system log too`() throws {
      let log = FakeSystemLog()
      defer { log.stop() }
      func run(_ policy: String, _ log: String) throws -> HookProgram.Ending {
        try HookProgram.run(
          ["--socket", "/tmp/hf-no-such-socket", "--log", log, "--fail", policy, "createRuntime"],
          state: state)
      }
      let ending = try run("open", log.path)
      #expect(log.received() == "<27>" + ending.stderr.dropLast())
      #expect(try run("closed", log.path).code == 1 && log.received() == nil)
      #expect(try run("open", "/tmp/hf-no-such-log").code == 0)
      // A log that no one reads: as many lines as it takes to fill it.
      for _ in 0..<40 { #expect(try run("open", log.path).code == 0) }
    }

    @Test func `without mapd a started or ended container is left alone`() throws {
      for (phase, state) in [("poststart", startedState), ("poststop", stoppedState)] {
        let ending = try HookProgram.run(
          ["--socket", "/tmp/hf-no-such-socket", "--fail", "closed", phase], state: state)
        #expect(ending.code == 0 && only(ending.stderr))
      }
    }

    @Test func `an answer that decides nothing leaves it to the fail policy`() throws {
      let cut = Array(HookAnswer(.bound).encode().dropLast())
      for behaviour in [
        .answer(HookAnswer(.failed, reason: .init("maps full"))), .answer(HookAnswer(.removed)),
        .raw(cut), .raw([]), .raw(.init("HTTP/1.1 200 OK\r\n\r\n")),
        .raw(Array(repeating: 0xff, count: 9000)),
        .closeAtOnce,
      ] as [FakeMapd.Behaviour] {
        let mapd = FakeMapd(behaviour)
        defer { mapd.stop() }
        for (policy, code) in [("open", 0), ("closed", 1)] as [(String, Int32)] {
          let ending = try HookProgram.run(
            ["--socket", mapd.path, "--fail", policy, "createRuntime"], state: state)
          #expect(ending.code == code && only(ending.stderr), "\(behaviour)")
          #expect(ending.seconds < 1)
        }
      }
    }

    @Test func `a connection left in the backlog while mapd restarts is answered`() throws {
      let mapd = FakeMapd(.late(HookAnswer(.bound), afterMilliseconds: 400))
      defer { mapd.stop() }
      let ending = try HookProgram.run(
        ["--socket", mapd.path, "--fail", "closed", "createRuntime"], state: state)
      #expect(ending.code == 0 && ending.stderr.isEmpty && ending.seconds >= 0.4)
    }

    @Test(arguments: ["createRuntime", "poststart", "poststop"])
    func `a malformed state is never open`(phase: String) throws {
      let mapd = FakeMapd(.answer(HookAnswer(.unmanaged)))
      defer { mapd.stop() }
      for bad in [
        "", "{", "[]", "not json", state + "x", state.replacing("\"pid\":7", with: "\"pid\":-7"),
        "{\"id\":\"a\\u0000\"}", String(repeating: "[", count: 1 << 19),
        "{\"x\":\"" + String(repeating: "x", count: 1 << 20) + "\"}",
      ] {
        let ending = try HookProgram.run(
          ["--socket", mapd.path, "--fail", "open", phase], state: bad)
        #expect(ending.code == 1 && only(ending.stderr) && !ending.leftBehind, "\(bad.prefix(60))")
      }
      #expect(mapd.requests.isEmpty)
    }

    @Test func `a closed standard input is refused`() throws {
      let ending = try HookProgram.run(["createRuntime"], input: .closed)
      #expect(ending.code == 1 && only(ending.stderr))
    }

    @Test func `an oversized state is named as that and not read to its end`() throws {
      let ending = try HookProgram.run(
        ["createRuntime"], input: .bytes(Array(repeating: 0x20, count: 64 << 20)))
      #expect(
        ending.code == 1 && ending.stderr == "oci-hook: createRuntime: state larger than 1 MiB\n")
      #expect(ending.sent < 2 << 20, "\(ending.sent) bytes taken")
    }

    @Test(arguments: [
      [], ["start"], ["createRuntime", "poststart"], ["--fail", "maybe", "createRuntime"],
      ["--timeout", "0", "createRuntime"], ["--timeout", "60001", "createRuntime"],
      ["--timeout", "2s", "createRuntime"], ["--socket"], ["--socket", "", "createRuntime"],
      ["--verbose", "createRuntime"], ["createRuntime", "--fail"], ["--log", "createRuntime"],
      ["--socket", "/" + String(repeating: "s", count: 107), "createRuntime"],
      ["--fail-closed-annotation", "=x", "createRuntime"],
    ])
    func `a configuration that cannot be meant is exit 1`(arguments: [String]) throws {
      let ending = try HookProgram.run(arguments, state: state)
      #expect(ending.code == 1 && only(ending.stderr))
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import Shared
import Testing

private let state = #"{"ociVersion":"1.0","id":"c","status":"created","pid":7,"bundle":"/b"}"#

/// The limit holds wherever the hook could wait, and the fail policy decides.
extension HookTests {
  @Suite struct HookTimeLimitTests {
    /// Runs with a limit of 300 ms; ends between that and a margin for a loaded machine.
    private func endsInTime(_ ending: HookProgram.Ending, _ code: Int32) {
      #expect(ending.code == code && !ending.leftBehind)
      #expect(ending.seconds >= 0.3 && ending.seconds < 1.3, "\(ending.seconds) s")
    }

    private func run(
      _ policy: String, _ socket: String, input: HookProgram.Input = .bytes(.init(state)),
      stderrIsFull: Bool = false, signalsBlocked: Bool = false
    ) throws -> HookProgram.Ending {
      try HookProgram.run(
        ["--timeout", "300", "--fail", policy, "--socket", socket, "createRuntime"], input: input,
        stderrIsFull: stderrIsFull, signalsBlocked: signalsBlocked)
    }

    @Test(arguments: [("open", 0), ("closed", 1)] as [(String, Int32)])
    func `a mapd that hangs, drips or never accepts`(policy: String, code: Int32) throws {
      for behaviour in [
        .hang, .drip(HookAnswer(.bound).encode(), everyMilliseconds: 100), .neverAccept,
      ] as [FakeMapd.Behaviour] {
        let mapd = FakeMapd(behaviour)
        defer { mapd.stop() }
        let ending = try run(policy, mapd.path)
        endsInTime(ending, code)
        #expect(ending.stderr.contains("did not answer within 300 ms"), "\(behaviour)")
      }
    }

    @Test func `a mapd that drips fast enough is heard`() throws {
      let mapd = FakeMapd(.drip(HookAnswer(.bound).encode(), everyMilliseconds: 5))
      defer { mapd.stop() }
      #expect(try run("closed", mapd.path).code == 0)
    }

    @Test(arguments: ["", "{", state])
    func `a runtime that never ends the state is refused`(sent: String) throws {
      let ending = try run("open", "/tmp/hf-no-such-socket", input: .unfinished(.init(sent)))
      endsInTime(ending, 1)
      #expect(ending.stderr == "oci-hook: createRuntime: state incomplete after 300 ms\n")
    }

    @Test(arguments: [("open", 0), ("closed", 1)] as [(String, Int32)])
    func `a stderr that no one reads cannot hold the hook or change its answer`(
      policy: String, code: Int32
    ) throws {
      for signalsBlocked in [false, true] {
        let ending = try run(
          policy, "/tmp/hf-no-such-socket", stderrIsFull: true, signalsBlocked: signalsBlocked)
        endsInTime(ending, code)
      }
    }

    @Test func `a stderr that no one reads cannot hold a misconfigured hook`() throws {
      let ending = try HookProgram.run(["--nonsense"], input: .closed, stderrIsFull: true)
      #expect(ending.code == 1 && ending.seconds < 3)
    }

    @Test func `the default limit is two seconds`() throws {
      let mapd = FakeMapd(.hang)
      defer { mapd.stop() }
      let ending = try HookProgram.run(["--socket", mapd.path, "createRuntime"], state: state)
      #expect(ending.code == 0 && ending.seconds >= 2 && ending.seconds < 3)
      #expect(ending.stderr.contains("WITHOUT PROTECTION"))
    }
  }
}

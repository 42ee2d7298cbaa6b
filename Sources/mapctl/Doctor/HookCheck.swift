// SPDX-License-Identifier: Apache-2.0
import Shared

/// How runtimes are told of the hook, and what the hook's own program says of itself.
struct HookCheck {
  /// The answer of the installed program.
  enum Program: Equatable {
    case missing
    /// It cannot be executed, or is none.
    case broken(String)
    /// What `--version` prints; empty: it knows no such option.
    case runs(version: String)
  }

  var status: Swift.Result<HookStatus, Failure>
  var program: Program
  /// What the program says of its configuration; nil: nothing is wrong with it.
  var configurationProblem: String?
  /// Runtimes whose program is on this machine.
  var present: Set<String>

  static let expectedVersion = "oci-hook \(Release.version) protocol \(Frame.version)"

  var findings: [Finding] {
    var findings = [ownConfiguration, version].compactMap(\.self)
    switch status {
    case .failure(let failure):
      findings.append(Finding(.hooks, .error, failure, remedy: "run mapctl hooks install"))
    case .success(let status):
      findings += runtimes(status)
    }
    return findings
  }

  private var ownConfiguration: Finding? {
    configurationProblem.map {
      .error(
        .hooks, "the hook refuses its configuration, and with it every container: \($0)",
        "correct \(HookPlaces.hookConfiguration), or remove it for the defaults")
    }
  }

  private var version: Finding? {
    switch program {
    case .missing: nil  // each runtime that needs it says so
    case .broken(let reason):
      .error(.hooks, "\(HookPlaces.program) does not run: \(reason)", "run mapctl hooks install")
    case .runs(Self.expectedVersion): .fine(.versions, "the hook is of this release (\(Self.expectedVersion))")
    case .runs(let version):
      .warning(
        .versions,
        "\(HookPlaces.program) is of another release (\(version.isEmpty ? "older than this question" : version)), "
          + "this one is \(Self.expectedVersion)", "run mapctl hooks install, which replaces it")
    }
  }

  private func runtimes(_ status: HookStatus) -> [Finding] {
    guard !present.isEmpty || status.runtimes.contains(where: \.installed) else {
      return [
        .warning(
          .hooks, "neither podman nor CRI-O nor containerd is on this machine, and none is told of the hook",
          "runc and crun alone: see hooks.d/README.md")
      ]
    }
    var said: Set<String> = []
    return status.runtimes.flatMap { runtime in
      // podman and CRI-O share their files, and so their problems.
      let problems = runtime.problems.filter { said.insert($0.text).inserted }
      return [state(of: runtime)].compactMap(\.self)
        + problems.map {
          Finding(area: .hooks, level: $0.isHarmless ? .warning : .error, text: $0.text, remedy: $0.remedy)
        }
    }
  }

  private func state(of runtime: HookStatus.Runtime) -> Finding? {
    let name = runtime.runtime
    switch (runtime.installed, present.contains(name)) {
    case (true, let isThere):
      return runtime.problems.isEmpty
        ? .fine(.hooks, "\(name) is told of the hook" + (isThere ? "" : ", and is not here")) : nil
    case (false, true):
      return .error(
        .hooks, "\(name) is on this machine and is not told of the hook: its containers start WITHOUT PROTECTION",
        "mapctl hooks install --runtime \(name)")
    case (false, false): return nil
    }
  }
}

extension HookCheck {
  static func read(_ places: HookPlaces) -> HookCheck {
    let status = Swift.Result { try HookStatus(places) }.mapError { $0 as? Failure ?? Failure(.refused, "\($0)") }
    let program = places(HookPlaces.program)
    let isThere = HostFile.exists(program)
    return HookCheck(
      status: status, program: isThere ? ask(program) : .missing,
      configurationProblem: isThere ? configurationProblem(program, places) : nil, present: present(places))
  }

  private static func ask(_ program: String) -> Program {
    guard let answer = HostCommand.run([program, "--version"]) else { return .broken("it cannot be started") }
    switch answer.status {
    case 0: return .runs(version: answer.text)
    // As every hook does with an option that it does not know.
    case 1: return .runs(version: "")
    default: return .broken(answer.text)
    }
  }

  private static func configurationProblem(_ program: String, _ places: HookPlaces) -> String? {
    let path = places(HookPlaces.hookConfiguration)
    guard HostFile.exists(path), let answer = HostCommand.run([program, "--check", "--config", path]),
      answer.status == 1
    else { return nil }
    let said = answer.text.hasPrefix("oci-hook: ") ? answer.text.dropFirst("oci-hook: ".count) : answer.text[...]
    // A hook of before `--check` takes it for an option without a value.
    return said.contains("--check") ? nil : String(said)
  }

  private static func present(_ places: HookPlaces) -> Set<String> {
    let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/bin"]
    return Set(
      HookRuntime.allCases.map(\.rawValue).filter { name in
        folders.contains { (HostFile.mode(places("\($0)/\(name)")) ?? 0) & 0o111 != 0 }
      })
  }
}

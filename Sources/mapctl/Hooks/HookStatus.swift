// SPDX-License-Identifier: Apache-2.0

/// How the hook is installed, as far as files show it.
struct HookStatus: Encodable {
  struct Runtime: Encodable {
    var runtime: String
    var installed: Bool
    /// What keeps containers from being told of.
    var problems: [HookProblem]
  }

  var program: String
  var programThere: Bool
  var runtimes: [Runtime]

  var isFinding: Bool { runtimes.contains { !$0.problems.isEmpty } || !runtimes.contains(where: \.installed) }
}

extension HookStatus {
  init(_ places: HookPlaces) throws {
    program = HookPlaces.program
    programThere = (HostFile.mode(places(HookPlaces.program)) ?? 0) & 0o111 != 0
    let inner = try HookTimes(places).innerMilliseconds
    let folder = try Self.folder(places, inner: inner, programThere: programThere)
    runtimes = [
      Runtime(runtime: "podman", installed: folder.installed, problems: folder.problems),
      Runtime(runtime: "crio", installed: folder.installed, problems: folder.problems),
      try Self.containerd(places, inner: inner, programThere: programThere),
    ]
  }

  private static func folder(
    _ places: HookPlaces, inner: Int64, programThere: Bool
  ) throws -> (installed: Bool, problems: [HookProblem]) {
    var problems: [HookProblem] = []
    var stages: Set<String> = []
    for folder in [HookPlaces.hooks, HookPlaces.operatorHooks] {
      for name in HostFile.names(in: places(folder)) where name.hasSuffix(".json") {
        let path = "\(folder)/\(name)"
        guard let bytes = try HostFile.read(places(path)) else { continue }
        let isOurs = name.hasPrefix("holdfast-")
        guard let file = try? JSONValue(parsing: bytes) else {
          if isOurs { problems.append(.init(text: "\(path) is not JSON", remedy: install)) }
          continue
        }
        guard isOurs || file["hook"].map(HookFile.isHoldfast) == true else { continue }
        problems += Self.problems(of: file, path, places, inner: inner)
        stages.formUnion(file["stages"]?.list?.compactMap(\.string) ?? [])
      }
    }
    if !stages.isEmpty {
      for stage in HookFile.stages where !stages.contains(stage) {
        problems.append(.init(text: "no file of \(HookPlaces.hooks) has the hook at \(stage)", remedy: install))
      }
    }
    return (!stages.isEmpty, problems)
  }

  /// Of one file of hooks.d.
  private static func problems(
    of file: JSONValue, _ path: String, _ places: HookPlaces, inner: Int64
  ) -> [HookProblem] {
    var problems = HookSchema.problems(file).map { HookProblem(text: "\(path): \($0)", remedy: install) }
    let program = file["hook"]?["path"]?.string ?? ""
    if (HostFile.mode(places(program)) ?? 0) & 0o111 == 0 {
      problems.append(
        .init(
          text: "\(path) names \(program), which is not there or cannot be executed: the runtime skips the hook "
            + "without a word, and containers start WITHOUT PROTECTION", remedy: install))
    }
    if program != HookPlaces.program {
      problems.append(
        .init(
          text: "\(path) is of another version (\(program)); both hooks are run",
          remedy: "remove the file when it is not needed", isHarmless: true))
    }
    return problems + timeLimit(file["hook"], inner: inner, path)
  }

  private static func containerd(_ places: HookPlaces, inner: Int64, programThere: Bool) throws -> Runtime {
    let path = HookPlaces.baseSpec
    let install = "\(install) --runtime containerd"
    let configuration = try ContainerdConfiguration(places)
    var runtime = Runtime(runtime: "containerd", installed: false, problems: [])
    guard let bytes = try HostFile.read(places(path)) else {
      if configuration.namesBaseSpec {
        runtime.problems.append(
          .init(
            text: "\(HookPlaces.containerdConfiguration) names \(path), which is not there: containerd does not "
              + "start like this", remedy: install))
      }
      return runtime
    }
    let specification = try HookInstaller.json(bytes, path)
    for stage in HookFile.stages {
      let ours = specification["hooks"]?[stage]?.list?.filter(HookFile.isHoldfast) ?? []
      guard !ours.isEmpty else {
        runtime.problems.append(.init(text: "\(path) has no hook at \(stage)", remedy: install))
        continue
      }
      runtime.installed = true
      for hook in ours { runtime.problems += timeLimit(hook, inner: inner, path) }
    }
    if runtime.installed && !programThere {
      runtime.problems.append(
        .init(
          text: "\(HookPlaces.program) is not there or cannot be executed: no container of containerd starts",
          remedy: install))
    }
    if !configuration.namesBaseSpec {
      runtime.problems.append(
        .init(
          text: "\(HookPlaces.containerdConfiguration) does not name \(path): the hook is not run",
          remedy: "\(install) says which lines are missing"))
    }
    return runtime
  }

  private static let install = "run mapctl hooks install"

  private static func timeLimit(_ hook: JSONValue?, inner: Int64, _ path: String) -> [HookProblem] {
    guard let outer = hook?["timeout"]?.integer, outer * 1000 <= inner else { return [] }
    return [
      .init(
        text: "\(path): the runtime kills the hook after \(outer) s, before its own limit of \(inner) ms",
        remedy: install)
    ]
  }

  var text: String {
    var lines = ["program  \(program), \(programThere ? "there" : "not there")"]
    for runtime in runtimes {
      let state = runtime.problems.isEmpty ? "" : ", \(runtime.problems.count) problems"
      lines.append("\(runtime.runtime)  \(runtime.installed ? "installed" : "not installed")\(state)")
      lines += runtime.problems.map { "  " + $0.sentence }
    }
    return lines.map { printable($0) + "\n" }.joined()
  }
}

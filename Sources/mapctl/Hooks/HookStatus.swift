// SPDX-License-Identifier: Apache-2.0

/// How the hook is installed, as far as files show it.
struct HookStatus: Encodable {
  struct Runtime: Encodable {
    var runtime: String
    var installed: Bool
    /// What keeps containers from being told of, a sentence each.
    var problems: [String]
  }

  var program: String
  var programThere: Bool
  var runtimes: [Runtime]

  var isFinding: Bool { runtimes.contains { !$0.problems.isEmpty } || !runtimes.contains(where: \.installed) }

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
  ) throws -> (installed: Bool, problems: [String]) {
    var problems: [String] = []
    var stages: Set<String> = []
    for folder in [HookPlaces.hooks, HookPlaces.operatorHooks] {
      for name in HostFile.names(in: places(folder)) where name.hasSuffix(".json") {
        let path = "\(folder)/\(name)"
        guard let bytes = try HostFile.read(places(path)) else { continue }
        let isOurs = name.hasPrefix("holdfast-")
        guard let file = try? JSONValue(parsing: bytes) else {
          if isOurs { problems.append("\(path) is not JSON; run mapctl hooks install") }
          continue
        }
        guard isOurs || file["hook"].map(HookFile.isHoldfast) == true else { continue }
        problems += HookSchema.problems(file).map { "\(path): \($0)" }
        let program = file["hook"]?["path"]?.string ?? ""
        if (HostFile.mode(places(program)) ?? 0) & 0o111 == 0 {
          problems.append(
            "\(path) names \(program), which is not there or cannot be executed: the runtime skips the hook "
              + "without a word, and containers start WITHOUT PROTECTION; run mapctl hooks install")
        }
        if program != HookPlaces.program {
          problems.append(
            "\(path) is of another version (\(program)); both hooks are run. Remove the file when it is not needed")
        }
        problems += timeLimit(file["hook"], inner: inner, path)
        stages.formUnion(file["stages"]?.list?.compactMap(\.string) ?? [])
      }
    }
    if !stages.isEmpty {
      for stage in HookFile.stages where !stages.contains(stage) {
        problems.append("no file of \(HookPlaces.hooks) has the hook at \(stage); run mapctl hooks install")
      }
    }
    return (!stages.isEmpty, problems)
  }

  private static func containerd(_ places: HookPlaces, inner: Int64, programThere: Bool) throws -> Runtime {
    let path = HookPlaces.baseSpec
    let configuration = try ContainerdConfiguration(places)
    var runtime = Runtime(runtime: "containerd", installed: false, problems: [])
    guard let bytes = try HostFile.read(places(path)) else {
      if configuration.namesBaseSpec {
        runtime.problems.append(
          "\(HookPlaces.containerdConfiguration) names \(path), which is not there: containerd does not start "
            + "like this; run mapctl hooks install --runtime containerd")
      }
      return runtime
    }
    let specification = try HookInstaller.json(bytes, path)
    for stage in HookFile.stages {
      let ours = specification["hooks"]?[stage]?.list?.filter(HookFile.isHoldfast) ?? []
      guard !ours.isEmpty else {
        runtime.problems.append("\(path) has no hook at \(stage); run mapctl hooks install --runtime containerd")
        continue
      }
      runtime.installed = true
      for hook in ours { runtime.problems += timeLimit(hook, inner: inner, path) }
    }
    if runtime.installed && !programThere {
      runtime.problems.append(
        "\(HookPlaces.program) is not there: no container of containerd starts; run mapctl hooks install")
    }
    if !configuration.namesBaseSpec {
      runtime.problems.append("\(HookPlaces.containerdConfiguration) does not name \(path): the hook is not run")
    }
    return runtime
  }

  private static func timeLimit(_ hook: JSONValue?, inner: Int64, _ path: String) -> [String] {
    guard let outer = hook?["timeout"]?.integer, outer * 1000 <= inner else { return [] }
    return [
      "\(path): the runtime kills the hook after \(outer) s, before its own limit of \(inner) ms; run mapctl hooks install"
    ]
  }

  var text: String {
    var lines = ["program  \(program), \(programThere ? "there" : "not there")"]
    for runtime in runtimes {
      let state = runtime.problems.isEmpty ? "" : ", \(runtime.problems.count) problems"
      lines.append("\(runtime.runtime)  \(runtime.installed ? "installed" : "not installed")\(state)")
      lines += runtime.problems.map { "  " + $0 }
    }
    return lines.map { printable($0) + "\n" }.joined()
  }
}

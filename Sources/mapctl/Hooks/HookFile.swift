// SPDX-License-Identifier: Apache-2.0

/// The hook as runtimes are told of it: the JSON of hooks.d (schema 1.0.0) and the `hooks`
/// of a runtime-spec configuration.
struct HookFile {
  static let stages = ["createRuntime", "poststart", "poststop"]
  static let schema = "1.0.0"

  /// Of the hook's program.
  var program: String
  /// Seconds until the runtime kills the hook.
  var timeout: Int

  static func name(_ stage: String) -> String { "holdfast-\(stage).json" }

  /// A file of hooks.d, for podman and CRI-O.
  func file(_ stage: String) -> JSONValue {
    .object([
      "version": .string(Self.schema),
      "hook": hook(stage),
      "when": .object(["always": .boolean(true)]),
      "stages": .list([.string(stage)]),
    ])
  }

  private func hook(_ stage: String) -> JSONValue {
    .object([
      "path": .string(program), "args": .list([.string("oci-hook"), .string(stage)]),
      "timeout": .integer(Int64(timeout)),
    ])
  }

  /// A runtime-spec configuration with the hook at each stage, once. Hooks of others stay.
  func merged(into specification: JSONValue) throws -> JSONValue {
    var specification = Self.removed(from: specification)
    guard specification.object != nil else {
      throw Failure(.refused, "the base spec is not a JSON object; make one with: ctr oci spec")
    }
    var hooks = specification["hooks"]?.object ?? [:]
    for stage in Self.stages { hooks[stage] = .list((hooks[stage]?.list ?? []) + [hook(stage)]) }
    specification["hooks"] = .object(hooks)
    return specification
  }

  /// Without the hooks of Holdfast, whichever version put them there.
  static func removed(from specification: JSONValue) -> JSONValue {
    guard var hooks = specification["hooks"]?.object else { return specification }
    for (stage, list) in hooks {
      guard let others = list.list?.filter({ !isHoldfast($0) }) else { continue }
      hooks[stage] = others.isEmpty ? nil : .list(others)
    }
    var specification = specification
    specification["hooks"] = hooks.isEmpty ? nil : .object(hooks)
    return specification
  }

  static func isHoldfast(_ hook: JSONValue) -> Bool {
    hook["args"]?.list?.first?.string == "oci-hook" || hook["path"]?.string?.hasSuffix("/holdfast/oci-hook") == true
  }
}

/// The schema of hooks.d, 1.0.0 (oci-hooks(5) of podman): CRI-O and podman skip or refuse
/// what does not follow it, and not always loudly.
enum HookSchema {
  private static let allowedStages: Set = [
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
  ]

  /// What is wrong with a file of hooks.d; empty: nothing.
  static func problems(_ file: JSONValue) -> [String] {
    guard let object = file.object else { return ["is not a JSON object"] }
    var problems = unknown(object, ["version", "hook", "when", "stages"], "")
    if object["version"]?.string != HookFile.schema { problems.append("version: is not \"\(HookFile.schema)\"") }
    problems += hook(object["hook"]) + when(object["when"])
    let stages = object["stages"]?.list
    if stages?.isEmpty ?? true { problems.append("stages: is missing or empty") }
    for stage in stages ?? [] where !allowedStages.contains(stage.string ?? "") {
      problems.append("stages: \(stage.string ?? "a value that is no string") is no stage")
    }
    return problems
  }

  private static func hook(_ value: JSONValue?) -> [String] {
    guard let hook = value?.object else { return ["hook: is missing or not an object"] }
    var problems = unknown(hook, ["path", "args", "env", "timeout"], "hook.")
    if hook["path"]?.string?.hasPrefix("/") != true { problems.append("hook.path: is not an absolute path") }
    for key in ["args", "env"] {
      if let list = hook[key], list.list?.allSatisfy({ $0.string != nil }) != true {
        problems.append("hook.\(key): is not a list of strings")
      }
    }
    if let timeout = hook["timeout"], (timeout.integer ?? 0) <= 0 {
      problems.append("hook.timeout: is not a number of seconds above 0")
    }
    return problems
  }

  private static func when(_ value: JSONValue?) -> [String] {
    guard let when = value?.object else { return ["when: is missing or not an object"] }
    var problems = unknown(when, ["always", "annotations", "commands", "hasBindMounts"], "when.")
    if when.isEmpty { problems.append("when: has no condition") }
    for key in ["always", "hasBindMounts"] {
      if let value = when[key], value != .boolean(true), value != .boolean(false) {
        problems.append("when.\(key): is not true or false")
      }
    }
    return problems
  }

  private static func unknown(_ object: [String: JSONValue], _ known: Set<String>, _ place: String) -> [String] {
    object.keys.filter { !known.contains($0) }.sorted().map {
      "\(place)\($0): is no field of schema \(HookFile.schema)"
    }
  }
}

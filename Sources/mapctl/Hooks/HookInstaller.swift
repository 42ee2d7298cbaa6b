// SPDX-License-Identifier: Apache-2.0

/// Plans for one runtime. Nothing here changes anything.
struct HookInstaller {
  let places: HookPlaces
  let runtime: HookRuntime

  /// The program before what names it: a runtime that reads in between finds both or neither.
  /// - Parameter program: the bytes of the hook's program.
  /// - Parameter base: containerd: makes the base spec that the hooks go into.
  func install(program: [UInt8], base: () throws -> [UInt8]) throws -> HookPlan {
    var plan = HookPlan()
    try plan.write(places(HookPlaces.program), program, mode: 0o755)
    let hook = HookFile(program: HookPlaces.program, timeout: try HookTimes(places).neededSeconds)
    switch runtime {
    case .podman, .crio:
      // createRuntime last: no container begins with it and ends without poststop.
      for stage in HookFile.stages.reversed() {
        try plan.write(places.hookFile(stage), Array(try hook.file(stage).text.utf8), mode: 0o644)
      }
      plan.notes.append(
        runtime == .podman
          ? "podman reads it with the next container; nothing is to be restarted."
          : "CRI-O watches this folder; if it was not there before: systemctl restart crio")
    case .containerd:
      let path = places(HookPlaces.baseSpec)
      let present = try HostFile.read(path)
      let specification = try hook.merged(into: Self.json(present ?? base(), path))
      try plan.write(path, Array(try specification.text.utf8), mode: 0o644)
      let configuration = try ContainerdConfiguration(places)
      if !configuration.namesBaseSpec { plan.notes.append(configuration.advice) }
      plan.notes.append("containerd reads the base spec at its start only: systemctl restart containerd")
    }
    return plan
  }

  /// What names the program before the program: a runtime must never find the name alone.
  func uninstall() throws -> HookPlan {
    var plan = HookPlan()
    switch runtime {
    case .podman, .crio:
      for stage in HookFile.stages { plan.remove(places.hookFile(stage)) }
      plan.notes.append("podman and CRI-O share these files: both are without the hook now.")
      try removeProgram(&plan, isNamed: baseSpecHasHooks())
    case .containerd:
      try uninstallContainerd(&plan)
    }
    return plan
  }

  private func uninstallContainerd(_ plan: inout HookPlan) throws {
    let path = places(HookPlaces.baseSpec)
    let isNamedByConfiguration = try ContainerdConfiguration(places).namesBaseSpec
    if try baseSpecHasHooks() {
      // containerd does not start when a base spec that it is told of is not there.
      let bare = HookFile.removed(from: try Self.json(try HostFile.read(path) ?? [], path))
      try plan.write(path, Array(try bare.text.utf8), mode: 0o644)
      plan.notes.append(
        "containerd keeps the old base spec until its restart, and the program must stay for as long: "
          + "take base_runtime_spec out of \(HookPlaces.containerdConfiguration), systemctl restart containerd, "
          + "and run this command again")
      return
    }
    guard !isNamedByConfiguration else {
      plan.notes.append(
        "\(HookPlaces.containerdConfiguration) still names \(HookPlaces.baseSpec), without which containerd "
          + "does not start: take base_runtime_spec out of it, and run this command again")
      return
    }
    if HostFile.exists(path), let pid = ContainerdProcess.olderThan(path) {
      plan.notes.append(
        "containerd (process \(pid)) runs since before the hooks were taken out and still uses them: "
          + "systemctl restart containerd, and run this command again")
      return
    }
    plan.remove(path)
    let isNamed = HookFile.stages.contains { HostFile.exists(places.hookFile($0)) }
    try removeProgram(&plan, isNamed: isNamed)
  }

  private func removeProgram(_ plan: inout HookPlan, isNamed: Bool) throws {
    guard !isNamed else {
      plan.notes.append("\(HookPlaces.program) stays: another runtime is told of it (mapctl hooks status)")
      return
    }
    plan.remove(places(HookPlaces.program))
    plan.notes.append("containers that run end without a poststop; mapd removes their bindings by itself.")
  }

  private func baseSpecHasHooks() throws -> Bool {
    let path = places(HookPlaces.baseSpec)
    guard let bytes = try HostFile.read(path) else { return false }
    let specification = try Self.json(bytes, path)
    return HookFile.removed(from: specification) != specification
  }

  static func json(_ bytes: [UInt8], _ path: String) throws -> JSONValue {
    do { return try JSONValue(parsing: bytes) } catch {
      throw Failure(.refused, "\(path) is not JSON; correct it or remove it, and run this command again")
    }
  }
}

/// The hook's own time limit and the runtime's: the hook must end first, or its fail policy
/// decides nothing.
struct HookTimes {
  var innerMilliseconds: Int64 = 2000

  init(_ places: HookPlaces) throws {
    let path = places(HookPlaces.hookConfiguration)
    guard let bytes = try HostFile.read(path) else { return }
    let configuration = try HookInstaller.json(bytes, path)
    guard let value = configuration["timeoutMilliseconds"] else { return }
    guard let milliseconds = value.integer, (1...60_000).contains(milliseconds) else {
      throw Failure(.refused, "\(path): timeoutMilliseconds is not a number from 1 to 60000")
    }
    innerMilliseconds = milliseconds
  }

  /// With room for a machine that is slow to start the hook.
  var neededSeconds: Int { Int((innerMilliseconds + 999) / 1000) + 3 }
}

// SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import ControlMessages
import Enforcement

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Needs no mapd: it touches the pins itself, and so it must work when mapd does not.
struct Uninstall: Action {
  static let configuration = CommandConfiguration(
    abstract: "Takes the gate down: removes the pins and detaches the programs, at once.",
    discussion: """
      Says which containers lose their protection, and asks. mapd must be stopped, with its \
      sockets: it would attach the gate again. Hooks, policies and programs stay installed. \
      Exits 0 when the gate is gone, or was not there; 1 when it was not confirmed.
      """)

  @Flag(help: "Do not ask.")
  var yes = false
  @Option(help: ArgumentHelp("mapd's pin directory.", valueName: "path"))
  var bpffs = "/sys/fs/bpf/holdfast"
  @Option(help: ArgumentHelp("mapd's run directory.", valueName: "path"))
  var runDir = "/run/holdfast"

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  func perform(in context: Context) throws -> ExitStatus {
    let isJSON = options.json || parent.options.json
    let found: InstalledGate?
    do {
      found = try InstalledGate(pinRoot: bpffs)
    } catch {
      throw Failure(.refused, Self.explain(error))
    }
    guard let gate = found else {
      let nothing = UninstallReport(pinDirectory: bpffs, wasAttached: [], containers: [], unknownContainersCount: 0)
      try context.output.write(
        isJSON ? JSONText.pretty(nothing) : "nothing is pinned in \(printable(bpffs)): no exec is judged\n")
      return .success
    }
    try refuseWhileSocketsListen()
    let report = UninstallReport(gate, records: ContainerRecord.all(inRunDirectory: runDir))
    if !yes {
      guard context.input != nil else {
        throw Failure(.usage, "uninstall asks first, and there is no terminal to answer on; use --yes")
      }
      try context.output.write(UninstallText.loss(report, for: context.output.style(context.environment)))
      guard try context.ask("Take the gate down? Type yes: ") == "yes" else {
        try context.output.write("nothing was changed, the gate stays in force\n")
        return .finding
      }
    }
    do {
      try gate.detach()
    } catch {
      throw Failure(.refused, Self.explain(error))
    }
    try context.output.write(isJSON ? JSONText.pretty(report) : UninstallText.done(report, asked: !yes))
    return .success
  }

  private static func explain(_ error: EnforcementError) -> String {
    if error.kind == .held { return "mapd runs, and would attach the gate again; stop it first: \(Self.stop)" }
    return error.code == EACCES || error.code == EPERM ? "\(error); run mapctl as root" : "\(error)"
  }

  private static let stop = "systemctl disable --now mapd.socket mapd-control.socket mapd.service"

  /// systemd starts mapd for the next hook.
  private func refuseWhileSocketsListen() throws {
    for name in ["hook", "control"] where UnixSocketTable.isListening("\(runDir)/\(name).sock") {
      throw Failure(
        .refused,
        "\(printable(runDir))/\(name).sock is listened on, and mapd would be started again to serve it; "
          + "stop that first: \(Self.stop)")
    }
  }
}

/// What the gate was, and whom it protected.
struct UninstallReport: Codable, Equatable {
  struct Container: Codable, Equatable {
    var id: String
    var name: String
    var pod: String?
    var namespace: String
    var mode: String
    var policies: [String]
  }

  var pinDirectory: String
  /// Names of the programs; empty: pins without a gate.
  var wasAttached: [String]
  var containers: [Container]
  /// Bound in the maps, with no record of who they are.
  var unknownContainersCount: Int
}

extension UninstallReport {
  init(_ gate: InstalledGate, records: [ContainerRecord]) {
    let bound = gate.boundCgroups
    // A record may be of a container that ended while mapd was down.
    let known = records.filter { $0.bound != nil && bound.contains($0.cgroup.key) }
    self.init(
      pinDirectory: gate.pinRoot, wasAttached: gate.programs,
      containers: known.map { record in
        Container(
          id: record.identity.id, name: record.identity.name, pod: record.identity.pod,
          namespace: record.identity.namespace, mode: ModeName.name(code: UInt32(record.bound!.mode)),
          policies: record.bound!.policies)
      },
      unknownContainersCount: bound.subtracting(known.map(\.cgroup.key)).count)
  }
}

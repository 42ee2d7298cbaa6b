// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Configuration
import Enforcement
import Glibc

/// Settings of mapd.yaml that the command line can say instead.
struct ConfigurationOverrides: ParsableArguments {
  @Option(help: "Directory of the sockets and of what is known of running containers (paths.run).")
  var runDir: String?
  @Option(help: "Directory on a bpf filesystem for the pins (paths.bpffs).")
  var bpffs: String?
  @Option(help: "Directory of WorkloadPolicy manifests; it is watched (paths.policies).")
  var policies: String?
  @Option(help: "Directory for what outlives a reboot (paths.state).")
  var stateDir: String?
  @Option(help: "The gate's BPF object (paths.gate).")
  var gateObject: String?
  @Option(help: "procfs of the host (paths.procfs).")
  var procfs: String?
  @Option(
    help: "Attach point: the best that there is, or one of the others; none enforces nothing (attachPoint)."
  )
  var attach: Configuration.AttachChoice?
  @Option(help: "Folder of the runtimes' state: runc, crun, containerd, containers/storage (runtimes.state).")
  var stateRoot: String?
  @Option(help: "Graph root of podman and CRI-O (runtimes.storage).")
  var storageRoot: String?
  @Option(help: "A further --root of runc or crun; may be repeated (runtimes.ociRoots).")
  var ociRoot: [String] = []
  @Option(help: "Containers that can be bound, when the maps are made (maps.bindings).")
  var maxBindings: Int?
  @Option(help: "Rules of all containers together, when the maps are made (maps.rules).")
  var maxRules: Int?

  func validate() throws {
    try check(maxBindings, "--max-bindings", Configuration.Maps.bindingsRange)
    try check(maxRules, "--max-rules", Configuration.Maps.rulesRange)
  }

  private func check(_ value: Int?, _ name: String, _ range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(name) must be between \(range.lowerBound) and \(range.upperBound)")
  }

  func apply(to configuration: inout Configuration) {
    func set<Value>(_ value: Value?, _ setting: WritableKeyPath<Configuration, Value>) {
      if let value { configuration[keyPath: setting] = value }
    }
    set(runDir, \.paths.run)
    set(bpffs, \.paths.bpffs)
    set(policies, \.paths.policies)
    set(stateDir, \.paths.state)
    set(gateObject, \.paths.gate)
    set(procfs, \.paths.procfs)
    set(attach, \.attachPoint)
    set(stateRoot, \.runtimes.state)
    set(storageRoot, \.runtimes.storage)
    set(ociRoot.isEmpty ? nil : ociRoot, \.runtimes.ociRoots)
    set(maxBindings, \.maps.bindings)
    set(maxRules, \.maps.rules)
  }
}

extension Configuration.AttachChoice: ExpressibleByArgument {}

extension Configuration {
  var gateOptions: Gate.Options {
    var sizes = MapSizes()
    sizes.bindings = maps.bindings
    sizes.rules = maps.rules
    return Gate.Options(
      object: paths.gate, pinRoot: paths.bpffs, attach: attachPoint.choice, sizes: sizes, note: paths.run + "/gate.json"
    )
  }

  /// The group of `sockets.group`.
  func readers() throws -> gid_t? {
    guard let name = socketsGroup else { return nil }
    // Not the thread-safe form: mapd starts on one thread.
    guard let entry = getgrnam(name) else {
      throw ValidationError("sockets.group: there is no group \(name); create it, or name another")
    }
    return entry.pointee.gr_gid
  }
}

extension Configuration.AttachChoice {
  fileprivate var choice: Gate.Options.Choice {
    switch self {
    case .auto: .best
    case .lsm: .only(.lsm)
    case .fmodRet: .only(.fmodRet)
    case .kill: .only(.kill)
    case .none: .nothing
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Configuration
import Enforcement
import Shared

@main
struct MapdCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mapd",
    abstract: "The map server: binds containers to their policies in the kernel.",
    discussion: """
      Enforcement is pinned in the bpf filesystem and goes on when mapd ends. Exit code 1: \
      mapd could not start, and says why; what is pinned stays in force.
      """,
    version: "mapd \(Release.version)")

  enum Attach: String, ExpressibleByArgument, CaseIterable {
    case auto, lsm, fmodRet = "fmod_ret", kill, none

    var choice: Gate.Options.Choice {
      switch self {
      case .auto: .best
      case .lsm: .only(.lsm)
      case .fmodRet: .only(.fmodRet)
      case .kill: .only(.kill)
      case .none: .nothing
      }
    }
  }

  @Option(
    help: ArgumentHelp(
      "Configuration file. Default: \(Configuration.standardPath), if it is there.", valueName: "file"))
  var config: String?
  @Option(help: "Directory of the sockets and of what is known of running containers.")
  var runDir = "/run/holdfast"
  @Option(help: "Directory on a bpf filesystem for the pins.")
  var bpffs = "/sys/fs/bpf/holdfast"
  @Option(help: "Directory of WorkloadPolicy manifests; it is watched.")
  var policies = "/etc/holdfast/policies.d"
  @Option(help: "Directory for what outlives a reboot.")
  var stateDir = "/var/lib/holdfast"
  @Option(help: "The gate's BPF object.")
  var gateObject = "/usr/lib/holdfast/gate.bpf.o"
  @Option(help: "Attach point: the best that the kernel takes, one of the others, or none (enforces nothing).")
  var attach = Attach.auto
  @OptionGroup(title: "Containers that run already")
  var discovery: DiscoveryOptions
  @Option(help: "procfs of the host.")
  var procfs = "/proc"
  @Option(help: "Containers that can be bound, when the maps are made.")
  var maxBindings = MapSizes().bindings
  @Option(help: "Rules of all containers together, when the maps are made.")
  var maxRules = MapSizes().rules

  @Option(help: .hidden)
  var faultFile: String?

  func validate() throws {
    guard (1...1_000_000).contains(maxBindings) else {
      throw ValidationError("--max-bindings must be between 1 and 1000000")
    }
    guard (1...16_000_000).contains(maxRules) else {
      throw ValidationError("--max-rules must be between 1 and 16000000")
    }
  }

  func run() async throws {
    FaultPoint.file = faultFile
    try await MapServer(options: self).run()
  }

  var gateOptions: Gate.Options {
    var sizes = MapSizes()
    sizes.bindings = maxBindings
    sizes.rules = maxRules
    return Gate.Options(object: gateObject, pinRoot: bpffs, attach: attach.choice, sizes: sizes)
  }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

struct Hooks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hooks",
    abstract: "Tells a runtime of the hook, takes that back, shows how it is. Needs no mapd.",
    discussion: "Restarts nothing: what is to be restarted is said.",
    subcommands: [Install.self, Uninstall.self, Status.self], defaultSubcommand: Status.self)

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  struct Install: Action {
    static let configuration = CommandConfiguration(
      abstract: "Installs the hook's program, then what tells the runtime of it. Again: no change.")

    @OptionGroup var target: Target
    @Option(
      help: ArgumentHelp(
        "The hook's program. Default: oci-hook beside mapctl, else \(HookPlaces.program).", valueName: "path"))
    var binary: String?
    @Option(
      help: ArgumentHelp(
        "containerd: a base spec to put the hooks into. Default: the one that config.toml names, else ctr oci spec.",
        valueName: "path"))
    var baseSpec: String?

    func perform(in context: Context) throws -> ExitStatus {
      let source = binary ?? Self.defaultBinary(besideOf: Self.ownPath)
      guard let program = try HostFile.read(source) else {
        throw Failure(.refused, "\(source) is not there; name the hook's program with --binary")
      }
      guard program.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else {
        throw Failure(.refused, "\(source) is not a program (ELF); name the hook's program with --binary")
      }
      let plan = try target.installer.install(program: program) {
        guard let path = try baseSpec ?? ContainerdConfiguration(target.places).otherBaseSpec.map({ target.places($0) })
        else { return try ContainerdConfiguration.standardSpec() }
        guard let bytes = try HostFile.read(path) else { throw Failure(.refused, "the base spec \(path) is not there") }
        return bytes
      }
      return try target.finish(plan, in: context)
    }

    /// A build folder has both programs side by side; a package has the hook in its place already.
    static func defaultBinary(besideOf mapctl: String) -> String {
      let neighbour = HostFile.folder(of: mapctl) + "/oci-hook"
      return HostFile.mode(neighbour) == nil ? HookPlaces.program : neighbour
    }

    private static var ownPath: String {
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = buffer.withUnsafeMutableBytes {
        readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
      }
      return String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
    }
  }

  struct Uninstall: Action {
    static let configuration = CommandConfiguration(
      abstract: "Takes away what tells the runtime of the hook, then the program.")

    @OptionGroup var target: Target

    func perform(in context: Context) throws -> ExitStatus {
      try target.finish(try target.installer.uninstall(), in: context)
    }
  }

  struct Status: Action {
    static let configuration = CommandConfiguration(
      abstract: "Shows which runtimes are told of the hook, and what is wrong with it (the default).",
      discussion: "Exits 1 when something is wrong, or no runtime is told of it.")

    @OptionGroup var rooted: Rooted
    @ParentCommand var parent: Hooks
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let status = try HookStatus(rooted.places)
      let isJSON = options.json || parent.options.json || parent.parent.options.json
      try context.output.write(isJSON ? JSONText.pretty(status) : status.text)
      return status.isFinding ? .finding : .success
    }
  }

  struct Rooted: ParsableArguments {
    @Option(help: ArgumentHelp("Work on the system below this folder, such as an image.", valueName: "path"))
    var root: String?

    var places: HookPlaces {
      HookPlaces(root: root.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 } ?? "")
    }
  }

  struct Target: ParsableArguments {
    @Option(help: "podman, crio or containerd.")
    var runtime: HookRuntime
    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false
    @OptionGroup var rooted: Rooted

    var places: HookPlaces { rooted.places }
    var installer: HookInstaller { HookInstaller(places: places, runtime: runtime) }

    func finish(_ plan: HookPlan, in context: Context) throws -> ExitStatus {
      if !dryRun { try plan.carryOut() }
      try context.output.write(plan.text(isDryRun: dryRun))
      return .success
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Configuration
import Enforcement
import Policy
import Shared

@main
struct MapdCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mapd",
    abstract: "The map server: binds containers to their policies in the kernel.",
    discussion: """
      Enforcement is pinned in the bpf filesystem and goes on when mapd ends. SIGHUP: the configuration is \
      read again. An option comes before the same setting of the configuration. Exit code 1: mapd could not \
      start, and says why; what is pinned stays in force.
      """,
    version: "mapd \(Release.version)")

  @Option(
    help: ArgumentHelp(
      "Configuration file. Default: \(Configuration.standardPath), if it is there.", valueName: "file"))
  var config: String?
  @Flag(help: "Say what is wrong with the configuration, if anything, and exit: 0 nothing, 1 something.")
  var checkConfig = false
  @OptionGroup var overrides: ConfigurationOverrides

  @Option(help: .hidden)
  var faultFile: String?

  func run() async throws {
    FaultPoint.file = faultFile
    if checkConfig { return try check() }
    try await MapServer(options: self).run()
  }

  /// The file's settings with this command line's in their place.
  func load() throws(Configuration.Failure) -> Configuration {
    var configuration = try Configuration.load(config)
    overrides.apply(to: &configuration)
    return configuration
  }

  private func check() throws {
    do throws(Configuration.Failure) {
      _ = try load()
    } catch {
      throw Mistakes(problems: error.problems)
    }
    let file = config ?? Configuration.standardPath
    print(Configuration.isThere(config) ? "\(file) is good" : "\(file) is not there: the defaults hold")
  }
}

/// Printed by the argument parser, which exits with 1.
private struct Mistakes: Error, CustomStringConvertible {
  let problems: [PolicyProblem]
  var description: String { problems.map(\.description).joined(separator: "\n") }
}

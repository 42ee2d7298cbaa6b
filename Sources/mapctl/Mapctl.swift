// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages
import Shared

struct Mapctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mapctl",
    abstract: "Shows what Holdfast keeps containers to and what it has refused; changes policies.",
    discussion: """
      Exit status:
        0  success
        1  a finding: status, the gate is not attached; policies, a file has problems;
           uninstall, it was not confirmed; violations, one is new;
           explain, it would be refused; verify, a difference; doctor, a warning
        2  the command was not understood
        3  mapd cannot be reached
        4  mapd answered with an error; uninstall, the gate could not be taken down;
           doctor, an error
      """,
    version: "\(Release.version)",
    subcommands: [
      Status.self, Containers.self, Policies.self, Proposals.self, Violations.self, Events.self, Trace.self,
      Explain.self, Verify.self, Top.self, Hooks.self, Doctor.self, Uninstall.self,
    ])

  @OptionGroup var options: Options
}

/// Taken before and after the name of the command.
struct Options: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "mapd's control socket. Default: $HOLDFAST_SOCKET, else \(Self.standardSocket).",
      valueName: "path"))
  var socket: String?

  @Flag(help: "Write JSON: an object (status), an array (lists), or one object a line (events).")
  var json = false

  static let standardSocket = "/run/holdfast/control.sock"

  func client(_ parent: Options, in context: Context) -> ControlClient {
    let path =
      socket ?? parent.socket ?? context.environment["HOLDFAST_SOCKET"] ?? Self.standardSocket
    return ControlClient(path: path)
  }
}

struct Status: Action {
  static let configuration = CommandConfiguration(
    abstract: "Shows whether the gate is attached, where, and how full the maps are.",
    discussion:
      "Exits 0 while the gate is attached, degraded or not, and 1 when nothing is protected.")

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  func perform(in context: Context) throws -> ExitStatus {
    let response = try options.client(parent.options, in: context).ask(ControlRequest(.status))
    guard let status = response.status else { throw ControlClient.strange("no status") }
    let isJSON = options.json || parent.options.json
    try context.output.write(
      isJSON
        ? JSONText.pretty(status)
        : StatusText.render(status, for: context.output.style(context.environment)))
    return status.gateAttached ? .success : .finding
  }
}

struct Containers: Action {
  static let configuration = CommandConfiguration(
    abstract: "Lists the containers that are bound to a rule set.")

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  func perform(in context: Context) throws -> ExitStatus {
    let response = try options.client(parent.options, in: context).ask(ControlRequest(.containers))
    guard let containers = response.containers else { throw ControlClient.strange("no containers") }
    let isJSON = options.json || parent.options.json
    try context.output.write(
      isJSON
        ? JSONText.pretty(containers)
        : ContainersText.render(containers, for: context.output.style(context.environment)))
    return .success
  }
}

struct Events: Action {
  static let configuration = CommandConfiguration(
    abstract: "Shows what was refused, reported or learned, oldest first.")

  @Flag(help: "Go on with what happens from now on, until interrupted.")
  var follow = false

  @Option(
    help: ArgumentHelp("Show at most so many of the past, the latest ones.", valueName: "number"))
  var limit: Int?

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  func validate() throws {
    if let limit, limit < 0 {
      throw ValidationError("--limit \(limit) is negative; use 0 or more.")
    }
  }

  func perform(in context: Context) throws -> ExitStatus {
    var text = EventsText(style: context.output.style(context.environment))
    let isJSON = options.json || parent.options.json
    let request = ControlRequest(.events, follow: follow ? true : nil, limit: limit)
    try options.client(parent.options, in: context).stream(request) { event in
      try context.output.write(isJSON ? JSONText.line(event) : text.render(event))
    }
    return .success
  }
}

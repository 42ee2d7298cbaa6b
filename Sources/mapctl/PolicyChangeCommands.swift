// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages
import Policy

extension Policies {
  struct Apply: Action {
    static let configuration = CommandConfiguration(
      abstract: "Puts a file of policies into force; shows the change first.",
      discussion: "Policies of the same names are replaced. A file with a problem changes nothing.")

    @Argument(help: ArgumentHelp("A policy file, or - for standard input.", valueName: "file"))
    var file: String

    @OptionGroup var consent: Consent
    @ParentCommand var parent: Policies
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      let content = PolicyDirectory.read(file == "-" ? "/dev/stdin" : file)
      guard case .bytes(let bytes) = content else {
        guard case .unreadable(let reason) = content else { return .refused }
        throw Failure(.refused, "\(printable(file)) \(reason)")
      }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw Failure(.refused, "\(printable(file)) is not valid UTF-8; save it as UTF-8")
      }
      let problems = PolicySet(files: [PolicyFile(name: file, content: .bytes(bytes))]).problems
      guard problems.isEmpty else {
        try context.errors.write(problems.map { printable("\($0)") + "\n" }.joined())
        return .finding
      }
      return try Editing(options: all, consent: consent, context: context).run(ControlRequest(.apply, manifest: text))
    }
  }

  struct Delete: Action {
    static let configuration = CommandConfiguration(
      abstract: "Removes a policy; says first which containers lose their protection.")

    @Argument(help: "The policy: namespace/name, or the name.")
    var name: String

    @OptionGroup var consent: Consent
    @ParentCommand var parent: Policies
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      return try Editing(options: all, consent: consent, context: context).run(ControlRequest(.delete, policy: name))
    }
  }

  struct Mode: Action {
    static let configuration = CommandConfiguration(
      abstract: "Sets a policy's mode: learn, monitor or protect; shows the change first.")

    @Argument(help: "The policy: namespace/name, or the name.")
    var name: String

    @Argument(help: "learn, monitor or protect.")
    var mode: ModeArgument

    @OptionGroup var consent: Consent
    @ParentCommand var parent: Policies
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      return try Editing(options: all, consent: consent, context: context)
        .run(ControlRequest(.setMode, policy: name, mode: mode.rawValue))
    }
  }

  struct Readiness: Action {
    static let configuration = CommandConfiguration(
      abstract: "Tells whether a policy is fit for protect: how long it was monitored and what would be refused.",
      discussion: "Exits 1 when something stands against it.")

    @Argument(help: "The policy: namespace/name, or the name.")
    var name: String

    @ParentCommand var parent: Policies
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      let response = try all.client(all, in: context).ask(ControlRequest(.readiness, policy: name))
      guard let report = response.readiness else { throw ControlClient.strange("no readiness") }
      try context.output.write(
        all.json
          ? JSONText.pretty(report) : ReadinessText.render(report, for: context.output.style(context.environment)))
      return report.obstacles.isEmpty ? .success : .finding
    }
  }
}

/// `mapctl policies readiness` for people.
enum ReadinessText {
  static func render(_ report: ReadinessReport, for style: Style) -> String {
    let isReady = report.obstacles.isEmpty
    var text = style.paint(isReady ? "ready for protect" : "not ready for protect", isReady ? .green : .yellow) + "\n"
    for obstacle in report.obstacles { text += "  \(printable(obstacle))\n" }
    text += "policy      \(printable(report.policy)), mode \(printable(report.mode)) since \(localTime(report.since))"
    text += " (\(elapsed(since: report.since)))\n"
    text +=
      "containers  \(report.containers.isEmpty ? "none" : report.containers.map(printable).joined(separator: ", "))\n"
    text += "violations  \(report.wouldRefuse.count) since then, \(report.acknowledgedCount) of them acknowledged; "
    text += "\(report.resolvedCount) more allowed by now\n"
    guard !report.wouldRefuse.isEmpty else { return text }
    return text + "\nwould be refused:\n" + ViolationsText.render(report.wouldRefuse, for: style)
  }

  private static func elapsed(since text: String) -> String {
    guard let since = Timestamp(iso8601: text) else { return "?" }
    let seconds = max(0, currentSeconds() - since.seconds)
    switch seconds {
    case ..<120: return "\(seconds) s"
    case ..<7200: return "\(seconds / 60) min"
    case ..<172_800: return "\(seconds / 3600) h"
    default: return "\(seconds / 86_400) days"
    }
  }
}

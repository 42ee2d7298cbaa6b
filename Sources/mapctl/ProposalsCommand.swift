// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages

struct Proposals: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what was learned of workloads, and makes policies of it.",
    subcommands: [List.self, Show.self, Diff.self, Promote.self], defaultSubcommand: List.self)

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  struct List: Action {
    static let configuration = CommandConfiguration(abstract: "Lists the proposals (the default).")

    @ParentCommand var parent: Proposals
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      let proposals = try all.client(all, in: context).proposals(nil)
      try context.output.write(
        all.json
          ? JSONText.pretty(proposals) : ProposalsText.render(proposals, for: context.output.style(context.environment))
      )
      return .success
    }
  }

  struct Show: Action {
    static let configuration = CommandConfiguration(
      abstract: "Shows a proposal, and where each executable was seen.")

    @Argument(help: "The proposal: namespace/name, or the name.")
    var name: String

    @Flag(help: "Only the manifest, as it is in the proposal's file.")
    var manifest = false

    @ParentCommand var parent: Proposals
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      guard let proposal = try all.client(all, in: context).proposals(name).first else {
        throw ControlClient.strange("no proposal")
      }
      let style = context.output.style(context.environment)
      try context.output.write(
        all.json
          ? JSONText.pretty(proposal)
          : manifest ? printableLines(proposal.manifest) : ProposalsText.render(proposal, for: style))
      return .success
    }
  }

  struct Diff: Action {
    static let configuration = CommandConfiguration(
      abstract: "Shows what promoting a proposal would change.", discussion: "Exits 1 when there is a difference.")

    @Argument(help: "The proposal: namespace/name, or the name.")
    var name: String

    @ParentCommand var parent: Proposals
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      let response = try all.client(all, in: context).ask(ControlRequest(.promote, policy: name))
      guard let edit = response.edit else { throw ControlClient.strange("no change") }
      try context.output.write(
        all.json ? JSONText.pretty(edit) : EditText.render(edit, for: context.output.style(context.environment)))
      return edit.before == edit.after ? .success : .finding
    }
  }

  struct Promote: Action {
    static let configuration = CommandConfiguration(
      abstract: "Makes a policy of a proposal, or adds it to the policy of its name; shows the change first.")

    @Argument(help: "The proposal: namespace/name, or the name.")
    var name: String

    @Option(help: "The policy's mode. Default: monitor for a new policy, as it is for one that is there.")
    var mode: ModeArgument?

    @OptionGroup var consent: Consent
    @ParentCommand var parent: Proposals
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      return try Editing(options: all, consent: consent, context: context)
        .run(ControlRequest(.promote, policy: name, mode: mode?.rawValue))
    }
  }
}

enum ModeArgument: String, ExpressibleByArgument, CaseIterable {
  case learn, monitor, protect
}

extension ControlClient {
  func proposals(_ name: String?) throws -> [ProposalReport] {
    guard let proposals = try ask(ControlRequest(.proposals, policy: name)).proposals else {
      throw Self.strange("no proposals")
    }
    return proposals
  }
}

/// Of each line what is safe.
func printableLines(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
    // The manifest has its own escapes, which must stay what they are.
    line.contains("\\") && line.unicodeScalars.allSatisfy(isSafe) ? String(line) : printable(String(line))
  }.joined(separator: "\n")
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages
import Policy

struct Policies: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the policies that mapd has read, with their problems; checks and changes them.",
    subcommands: [List.self, Validate.self, Apply.self, Delete.self, Mode.self, Readiness.self],
    defaultSubcommand: List.self)

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  struct List: Action {
    static let configuration = CommandConfiguration(
      abstract: "Lists the policies that mapd has read (the default).",
      discussion:
        "Exits 1 when a file has problems. The last good version of such a file stays in force.")

    @ParentCommand var parent: Policies
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let above = Options.merged(parent.options, parent.parent.options)
      let response = try options.client(above, in: context).ask(ControlRequest(.policies))
      guard let policies = response.policies else { throw ControlClient.strange("no policies") }
      try context.output.write(
        options.json || above.json
          ? JSONText.pretty(policies)
          : PoliciesText.render(policies, for: context.output.style(context.environment)))
      return policies.allSatisfy(\.problems.isEmpty) ? .success : .finding
    }
  }

  /// Needs no mapd: for editors, commit hooks and CI.
  struct Validate: Action {
    static let configuration = CommandConfiguration(
      abstract: "Checks policy files without mapd.",
      discussion:
        "Prints each problem as file:line:column: field: what is wrong; what to do. Exits 1 when there is one."
    )

    @Argument(help: ArgumentHelp("Files, or directories as mapd reads them.", valueName: "file"))
    var files: [String]

    @ParentCommand var parent: Policies
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let read = files.flatMap(PolicyDirectory.readAll)
      let set = PolicySet(files: read)
      let isJSON = options.json || parent.options.json || parent.parent.options.json
      try context.output.write(
        isJSON
          ? JSONText.pretty(set.problems.map(PolicyReport.Problem.init))
          : ValidationText.render(set, files: read.count))
      return set.problems.isEmpty ? .success : .finding
    }
  }
}

extension Options {
  /// What was given nearest to the command counts.
  static func merged(_ all: Options...) -> Options {
    var options = all[0]
    options.socket = all.lazy.compactMap(\.socket).first
    options.json = all.contains(where: \.json)
    return options
  }
}

extension PolicyReport.Problem {
  init(_ problem: PolicyProblem) {
    self.init(
      file: problem.file, line: problem.line, column: problem.column, field: problem.field,
      message: problem.message)
  }
}

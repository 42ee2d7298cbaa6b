// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages

struct Violations: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists what was refused or reported, each equal violation once; allows or acknowledges one.",
    subcommands: [List.self, Allow.self, Acknowledge.self], defaultSubcommand: List.self)

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  struct List: Action {
    static let configuration = CommandConfiguration(
      abstract: "Lists violations, the latest last (the default).",
      discussion: """
        The newest 100 of each policy are kept, across restarts of mapd. Counts are the kernel's. \
        Exits 1 when there is one that nobody has acknowledged.
        """)

    @Argument(help: "Of this policy only: namespace/name, or the name.")
    var policy: String?

    @Flag(help: "Go on: show each again whenever its count grows, until interrupted.")
    var follow = false

    @Option(help: ArgumentHelp("Show at most so many, the latest ones.", valueName: "number"))
    var limit: Int?

    @ParentCommand var parent: Violations
    @OptionGroup var options: Options

    func validate() throws {
      if let limit, limit < 0 { throw ValidationError("--limit \(limit) is negative; use 0 or more.") }
    }

    func perform(in context: Context) throws -> ExitStatus {
      let above = Options.merged(options, parent.options, parent.parent.options)
      let style = context.output.style(context.environment)
      let request = ControlRequest(.violations, follow: follow ? true : nil, limit: limit, policy: policy)
      var records: [ViolationRecord] = []
      let text = ViolationsText.Stream(style: style)
      try above.client(above, in: context).stream(
        request,
        violation: { record in
          if follow {
            try context.output.write(above.json ? JSONText.line(record) : text.render(record))
          } else {
            records.append(record)
          }
        })
      try context.output.write(above.json ? JSONText.pretty(records) : ViolationsText.render(records, for: style))
      return records.contains { $0.acknowledged == nil } ? .finding : .success
    }
  }

  struct Allow: Action {
    static let configuration = CommandConfiguration(
      abstract: "Adds the executable of a violation to the rules of its container; shows the change first.")

    @Argument(help: "The violation's number, as `mapctl violations` shows it.")
    var id: UInt64

    @OptionGroup var consent: Consent
    @ParentCommand var parent: Violations
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      return try Editing(options: all, consent: consent, context: context).run(ControlRequest(.allow, id: id))
    }
  }

  struct Acknowledge: Action {
    static let configuration = CommandConfiguration(
      abstract: "Notes that somebody has looked at a violation; it stays on record.")

    @Argument(help: "The violation's number, as `mapctl violations` shows it.")
    var id: UInt64

    @ParentCommand var parent: Violations
    @OptionGroup var options: Options

    func perform(in context: Context) throws -> ExitStatus {
      let all = Options.merged(options, parent.options, parent.parent.options)
      let response = try all.client(all, in: context).ask(ControlRequest(.acknowledge, id: id))
      guard let record = response.violation else { throw ControlClient.strange("no violation") }
      try context.output.write(
        all.json
          ? JSONText.pretty(record) : "violation \(record.id) acknowledged: \(printable(record.latest.executable))\n")
      return .success
    }
  }
}

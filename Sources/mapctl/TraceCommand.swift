// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages

struct Trace: Action {
  static let configuration = CommandConfiguration(
    abstract: "Shows every exec of a container and its verdict, allowed ones too, until interrupted.",
    discussion: """
      For finding out what the gate makes of an exec. Nothing of it is kept or counted, and no verdict
      changes. Where there are more than can be told, lines are lost: tracesLost in mapctl status --json.
      The runtime's own execs on their way into a container are not shown.
      """)

  @Argument(help: "Its id or the beginning of it, or its name. Default: every container that is bound.")
  var container: String?

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  func perform(in context: Context) throws -> ExitStatus {
    var text = EventsText(style: context.output.style(context.environment))
    let isJSON = options.json || parent.options.json
    let request = ControlRequest(.trace, follow: true, container: container)
    try options.client(parent.options, in: context).stream(request) { event in
      try context.output.write(isJSON ? JSONText.line(event) : text.render(event))
    }
    return .success
  }
}

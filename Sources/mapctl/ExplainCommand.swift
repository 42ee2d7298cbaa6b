// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages

struct Explain: Action {
  static let configuration = CommandConfiguration(
    abstract: "Tells what the gate would do with an exec in a container, and why.",
    discussion: "Read from the kernel's maps, not from mapd's memory. Exits 1 when the exec would be refused.")

  @Argument(help: "The container: its id or the beginning of it, its name, or namespace/pod/name.")
  var container: String

  @Argument(help: "An absolute path in the container.")
  var path: String

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  func perform(in context: Context) throws -> ExitStatus {
    let all = Options.merged(options, parent.options)
    let response = try all.client(all, in: context)
      .ask(ControlRequest(.explain, container: container, path: path))
    guard let explanation = response.explanation else { throw ControlClient.strange("no explanation") }
    try context.output.write(
      all.json
        ? JSONText.pretty(explanation)
        : ExplanationText.render(explanation, for: context.output.style(context.environment)))
    return explanation.outcome == "refused" ? .finding : .success
  }
}

struct Verify: Action {
  static let configuration = CommandConfiguration(
    abstract: "Compares the policies, what mapd believes and the kernel's maps.",
    discussion: "Prints each difference. Exits 1 when there is one.")

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  func perform(in context: Context) throws -> ExitStatus {
    let all = Options.merged(options, parent.options)
    guard let report = try all.client(all, in: context).ask(ControlRequest(.verify)).verification else {
      throw ControlClient.strange("no verification")
    }
    var text = report.differences.map { "\(printable($0.place)): \(printable($0.message))\n" }.joined()
    let found = report.differences.isEmpty ? "no differences" : counted(report.differences.count, "difference")
    text +=
      "\(counted(report.containersCount, "container")), \(counted(report.ruleSetsCount, "rule set")), "
      + "\(counted(report.rulesCount, "rule")): \(found)\n"
    try context.output.write(all.json ? JSONText.pretty(report) : text)
    return report.differences.isEmpty ? .success : .finding
  }
}

/// `mapctl explain` for people: the answer first, then why.
enum ExplanationText {
  static func render(_ one: Explanation, for style: Style) -> String {
    let (outcome, colour): (String, Style.Colour?) =
      switch one.outcome {
      case "allowed": ("allowed", .green)
      case "refused": ("refused", .red)
      case "reported": ("allowed and reported", .yellow)
      case "learned": ("allowed and learned", nil)
      case "notJudged": ("not judged", .yellow)
      default: (printable(one.outcome), nil)
      }
    var lines: [(String, String, Style.Colour?)] = [("outcome", outcome, colour)]
    if let reason = one.reason {
      lines.append(("reason", reason + (ReasonName(rawValue: reason).map { ": \($0.explanation)" } ?? ""), nil))
      if reason != "listed", let known = ReasonName(rawValue: reason) { lines.append(("if wanted", known.remedy, nil)) }
    }
    for step in one.steps {
      let rule = step.rule.map { "rule \($0)" } ?? "no rule"
      lines.append((step.role, "\(step.path) (\(step.found), \(step.origin)): \(rule)", nil))
    }
    let place = [one.namespace, one.pod, one.container].compactMap { $0 }.joined(separator: "/")
    lines.append(("container", "\(place), id \(one.containerID)", nil))
    lines.append(("policies", one.policies.isEmpty ? "none" : one.policies.joined(separator: ", "), nil))
    if one.outcome != "notJudged" || one.ruleSetID > 0 {
      lines.append(
        (
          "in the maps",
          "binding \(one.bindingID), rule set \(one.ruleSetID), generation \(one.generation), mode \(one.mode)", nil
        ))
    }
    for note in one.notes { lines.append(("note", note, nil)) }
    let width = lines.map(\.0.count).max()! + Table.gap
    return lines.map { name, value, colour in
      let text = wrapped(printable(value), to: style.width.map { max($0 - width, 20) })
      return padded(name, to: width)
        + text.map { style.paint($0, colour) }.joined(separator: "\n" + String(repeating: " ", count: width)) + "\n"
    }.joined()
  }
}

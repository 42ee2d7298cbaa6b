// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Policy

func colour(ofMode mode: String) -> Style.Colour? {
  switch mode {
  case "protect": .green
  case "learn", "off": .yellow
  default: nil
  }
}

/// `mapctl containers` for people.
enum ContainersText {
  static func render(_ containers: [ContainerReport], for style: Style) -> String {
    guard !containers.isEmpty else { return "no container is bound\n" }
    var table = Table(columns: [
      .init("CONTAINER", least: 12), .init("POD", least: 8, dispensable: 2),
      .init("NAMESPACE", least: 8), .init("MODE"),
      .init("RULES", dispensable: 1), .init("POLICIES", least: 10), .init("STATE", dispensable: 3),
      .init("SEALED", dispensable: 5), .init("PID", dispensable: 4), .init("SINCE", dispensable: 6),
      .init("ID", dispensable: 7),
    ])
    for container in containers {
      table.rows.append([
        .init(printable(container.name)), .init(container.pod.map(printable) ?? "-"),
        .init(printable(container.namespace)),
        .init(printable(container.mode), colour(ofMode: container.mode)),
        .init("\(container.rulesCount)"),
        .init(printable(container.policies.joined(separator: ", "))),
        .init(printable(container.state)),
        .init(container.sealed ? "yes" : "no"), .init("\(container.pid)"),
        .init(localTime(container.boundSince)),
        .init(shortened(printable(container.id), to: 13)),
      ])
    }
    let links = containers.flatMap { container in
      container.resolvedLinks.map {
        "\(printable(container.name)): \(printable($0.listed)) is a link to \(printable($0.resolved)); both are listed\n"
      }
    }
    return table.render(for: style) + (links.isEmpty ? "" : "\n" + links.joined())
  }
}

/// `mapctl policies` for people.
enum PoliciesText {
  static func render(_ policies: [PolicyReport], for style: Style) -> String {
    guard !policies.isEmpty else { return "no policy is in force\n" }
    var table = Table(columns: [
      .init("POLICY", least: 16), .init("MODE"), .init("STATE"), .init("BOUND", dispensable: 1),
      .init("CONTAINERS (RULES)", least: 18), .init("FILE", least: 10, keepsEnd: true),
    ])
    for policy in policies {
      let name = policy.name.map { "\(policy.namespace ?? "default")/\($0)" } ?? "-"
      let containers = policy.containers.map { "\($0.name) (\($0.rulesCount))" }.joined(
        separator: ", ")
      let (state, colour): (String, Style.Colour?) =
        switch policy.state {
        case .inForce: ("in force", nil)
        case .lastGood: ("last good", .yellow)
        case .refused: ("refused", .red)
        case .proposal: ("proposal", nil)
        }
      table.rows.append([
        .init(printable(name)),
        .init(printable(policy.mode ?? "-"), mapctl.colour(ofMode: policy.mode ?? "-")),
        .init(state, colour),
        .init("\(policy.boundContainersCount)"),
        .init(containers.isEmpty ? "-" : printable(containers)),
        .init(printable(policy.file)),
      ])
    }
    let problems = policies.flatMap(\.problems).map { printable($0.text) + "\n" }
    return table.render(for: style) + (problems.isEmpty ? "" : "\n" + problems.joined())
  }
}

extension PolicyReport.Problem {
  /// As `mapctl policies validate` prints it.
  var text: String {
    PolicyProblem(file: file, line: line, column: column, field: field, message: message)
      .description
  }
}

/// `mapctl policies validate` for people and editors.
enum ValidationText {
  static func render(_ set: PolicySet, files: Int) -> String {
    func number(_ count: Int, _ one: String, _ many: String) -> String {
      count == 1 ? "1 \(one)" : "\(count) \(many)"
    }
    let read = set.policies.count + set.proposals.count
    let summary =
      "\(number(files, "file", "files")), \(number(read, "policy", "policies")), \(number(set.problems.count, "problem", "problems"))\n"
    return set.problems.map { printable($0.description) + "\n" }.joined() + summary
  }
}

// SPDX-License-Identifier: Apache-2.0
import ControlMessages

/// `mapctl proposals` for people.
enum ProposalsText {
  static func render(_ proposals: [ProposalReport], for style: Style) -> String {
    guard !proposals.isEmpty else { return "nothing has been learned\n" }
    var table = Table(columns: [
      .init("PROPOSAL", least: 14), .init("CONTAINERS (EXECUTABLES)", least: 20), .init("FIRST", dispensable: 2),
      .init("LAST", dispensable: 1), .init("POLICY"), .init("LEFT OUT"),
    ])
    for one in proposals {
      let containers = one.containers.map { "\($0.name) (\($0.executables.count { $0.listed }))" }.joined(
        separator: ", ")
      let left = one.containers.reduce(0) {
        $0 + $1.executables.count { $0.unlisted != nil && $0.roles != ["interpreter"] }
      }
      table.rows.append([
        .init(printable("\(one.namespace)/\(one.name)")), .init(printable(containers)), .init(localTime(one.first)),
        .init(localTime(one.last)), .init(printable(one.policyMode ?? "none"), one.policyMode.flatMap(colour(ofMode:))),
        .init(
          "\(left)\(one.dropped > 0 ? ", \(one.dropped) without room" : "")",
          left > 0 || one.dropped > 0 ? .yellow : nil),
      ])
    }
    return table.render(for: style)
  }

  static func render(_ proposal: ProposalReport, for style: Style) -> String {
    var text = printableLines(proposal.manifest)
    for container in proposal.containers {
      let images = container.images.isEmpty ? "" : ", image \(container.images.joined(separator: ", "))"
      text += "\n" + printable("container \(container.name)\(images)") + "\n"
      var table = Table(columns: [
        .init("EXECUTABLE", least: 16, keepsEnd: true), .init("COUNT"), .init("AS"), .init("FROM"),
        .init("SEEN BY", dispensable: 1), .init("FIRST", dispensable: 4), .init("LAST", dispensable: 3),
        .init("IN", least: 10, dispensable: 2), .init("PROPOSED", least: 8),
      ])
      for one in container.executables {
        table.rows.append([
          .init(printable(one.path)), .init("\(one.count)"), .init(printable(one.roles.joined(separator: ", "))),
          .init(printable(one.origin), one.origin == "image" ? nil : .yellow),
          .init(printable(one.sources.joined(separator: ", "))),
          .init(localTime(one.first)), .init(localTime(one.last)), .init(printable(one.pods.joined(separator: ", "))),
          .init(
            one.listed ? "yes" : "no: \(printable(one.unlisted ?? ""))",
            one.listed || one.roles == ["interpreter"] ? nil : .yellow),
        ])
      }
      text += table.render(for: style)
      let written = container.executables.filter { $0.listed && ["writableLayer", "changed"].contains($0.origin) }
      for one in written {
        text +=
          style.paint(
            "note: \(printable(one.path)) is not from the image: protect refuses it unless the policy allows writableLayer",
            .yellow) + "\n"
      }
    }
    if proposal.dropped > 0 {
      text += style.paint("note: \(proposal.dropped) executables found no room and are not proposed", .yellow) + "\n"
    }
    return text
  }
}

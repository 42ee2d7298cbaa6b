// SPDX-License-Identifier: Apache-2.0

/// `mapctl uninstall` for people.
enum UninstallText {
  /// Before it is done.
  static func loss(_ report: UninstallReport, for style: Style) -> String {
    var text =
      report.wasAttached.isEmpty
      ? "no program is attached; pins are left in \(printable(report.pinDirectory))\n"
      : "the gate is attached (\(report.wasAttached.map(printable).joined(separator: ", "))), "
        + "pinned in \(printable(report.pinDirectory))\n"
    guard !report.containers.isEmpty || report.unknownContainersCount > 0 else {
      return text + "no container is bound\n"
    }
    text += style.paint("these containers will no longer be protected:", .red) + "\n"
    var table = Table(columns: [
      .init("CONTAINER", least: 12), .init("POD", least: 8), .init("NAMESPACE", least: 8), .init("MODE"),
      .init("POLICIES", least: 10), .init("ID", dispensable: 1),
    ])
    for container in report.containers {
      table.rows.append([
        .init(printable(container.name)), .init(container.pod.map(printable) ?? "-"),
        .init(printable(container.namespace)),
        .init(printable(container.mode), colour(ofMode: container.mode)),
        .init(printable(container.policies.joined(separator: ", "))),
        .init(shortened(printable(container.id), to: 13)),
      ])
    }
    if !report.containers.isEmpty { text += table.render(for: style) }
    if report.unknownContainersCount > 0 {
      text += "and \(report.unknownContainersCount) more, of which no record is left\n"
    }
    return text
  }

  /// Afterwards; whom it protected, where nobody was told before.
  static func done(_ report: UninstallReport, asked: Bool) -> String {
    var text = ""
    if !asked {
      for container in report.containers {
        let place = [container.namespace, container.pod, container.name].compactMap { $0 }.map(printable)
        text +=
          "no longer protected: \(place.joined(separator: "/")) "
          + "(\(printable(container.mode)), \(printable(container.policies.joined(separator: ", "))), "
          + "id \(printable(container.id)))\n"
      }
      if report.unknownContainersCount > 0 {
        text += "no longer protected: \(report.unknownContainersCount) more, of which no record is left\n"
      }
    }
    return text + "the gate is detached and its pins are removed: no exec is judged any more\n"
      + "hooks and policies stay; a hook without mapd does what its fail policy says\n"
  }
}

// SPDX-License-Identifier: Apache-2.0
import ControlMessages

/// `mapctl violations` for people.
enum ViolationsText {
  static func render(_ records: [ViolationRecord], for style: Style) -> String {
    guard !records.isEmpty else { return "no violation is on record\n" }
    var table = Table(columns: [
      .init("ID"), .init("COUNT"), .init("LAST", dispensable: 2), .init("FIRST", dispensable: 6), .init("VERDICT"),
      .init("CONTAINER", least: 12, keepsEnd: true), .init("EXECUTABLE", least: 14, keepsEnd: true),
      .init("REASON", least: 9), .init("POLICY", least: 8, dispensable: 3),
      .init("SAMPLE", least: 12, dispensable: 4), .init("SEEN", dispensable: 5),
    ])
    for record in records { table.rows.append(cells(record)) }
    return table.render(for: style)
  }

  private static func cells(_ record: ViolationRecord) -> [Table.Cell] {
    let event = record.latest
    let isRefused = event.verdict == VerdictName.refuse.rawValue
    return [
      .init("\(record.id)"), .init("\(record.count)"), .init(localTime(record.last)), .init(localTime(record.first)),
      .init(
        isRefused ? "refused" : event.verdict == "report" ? "reported" : printable(event.verdict),
        isRefused ? .red : .yellow),
      .init(place(event)), .init(printable(event.executable) + (event.interpreter ? " (#!)" : "")),
      .init(printable(event.reason)),
      .init(printable(event.policy.joined(separator: ","))), .init(sample(event)),
      .init(record.acknowledged == nil ? "new" : "acknowledged"),
    ]
  }

  static func place(_ event: ViolationEvent) -> String {
    [event.namespace, event.pod, event.container].compactMap { $0 }.map(printable).joined(separator: "/")
  }

  /// Who it was, as far as it was seen.
  static func sample(_ event: ViolationEvent) -> String {
    var text = "\(printable(event.comm))[\(event.pid)] uid \(event.uid)"
    if let parent = event.process?.parentExecutable { text += " by \(printable(parent))[\(event.ppid)]" }
    if let arguments = event.process?.arguments {
      let line = arguments.map { printable($0) }.joined(separator: " ")
      text += event.process?.areCallers == true ? ", asked by: \(line)" : ": \(line)"
    }
    return text
  }

  /// One line each, for following.
  struct Stream {
    let style: Style

    func render(_ record: ViolationRecord) -> String {
      let event = record.latest
      let isRefused = event.verdict == VerdictName.refuse.rawValue
      let text =
        "\(localTime(record.last))  #\(record.id)  ×\(record.count)  \(isRefused ? "refused" : "reported")  "
        + "\(place(event))  \(printable(event.executable))  \(printable(event.reason))  \(sample(event))"
      let shown = style.width.map { shortened(text, to: $0) } ?? text
      return style.paint(shown, isRefused ? .red : .yellow) + "\n"
    }
  }
}

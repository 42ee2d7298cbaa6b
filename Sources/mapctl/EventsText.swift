// SPDX-License-Identifier: Apache-2.0
import ControlMessages

/// `mapctl events` for people: one line each, in aligned columns. A terminal's width is shared out
/// once; elsewhere the columns widen with what comes and nothing is left out.
struct EventsText {
  private static let titles = ["TIME", "VERDICT", "CONTAINER", "EXECUTABLE", "REASON", "PROCESS"]
  private static let longestReason = ReasonName.allCases.reduce(0) { max($0, $1.rawValue.count) }
  /// Narrower terminals show the time of day only, the narrowest no process.
  private static let widthForDate = 150
  private static let widthForProcess = 110

  private let style: Style
  private let showsDate: Bool
  private let showsProcess: Bool
  private var widths: [Int]
  private var hasHead = false

  init(style: Style) {
    self.style = style
    guard let width = style.width else {
      (showsDate, showsProcess) = (true, true)
      widths = [23, 8, 16, 16, 12, 0]
      return
    }
    showsDate = width >= Self.widthForDate
    showsProcess = width >= Self.widthForProcess
    let process = showsProcess ? 26 : 0
    let others = [showsDate ? 23 : 12, 8, Self.longestReason, process].reduce(0) {
      $0 + $1 + ($1 > 0 ? Table.gap : 0)
    }
    let room = max(width - others - Table.gap, 20)
    widths = [
      showsDate ? 23 : 12, 8, room * 2 / 5, room - room * 2 / 5, Self.longestReason, process,
    ]
  }

  mutating func render(_ event: ViolationEvent) -> String {
    let time = localTime(event.time, milliseconds: true)
    let (verdict, colour) = Self.verdict(event.verdict)
    let place = [event.namespace, event.pod, event.container].compactMap { $0 }.map(printable)
      .joined(separator: "/")
    let executable = printable(event.executable) + (event.interpreter ? " (#!)" : "")
    let process = "\(printable(event.comm))[\(event.pid)] uid \(event.uid)"
    let repeats = event.count > 1 ? " ×\(event.count)" : ""
    let head = hasHead || !style.isTerminal ? "" : line(Self.titles, .bold, wholeLine: true)
    hasHead = true
    return head
      + line(
        [
          showsDate ? time : String(time.suffix(12)), verdict, place, executable,
          printable(event.reason), process + repeats,
        ],
        colour)
  }

  private static func verdict(_ name: String) -> (String, Style.Colour?) {
    switch VerdictName(rawValue: name) {
    case .refuse: ("refused", .red)
    case .report: ("reported", .yellow)
    case .learn: ("learned", nil)
    case .allow: ("allowed", nil)
    case nil: (printable(name), nil)
    }
  }

  private mutating func line(_ cells: [String], _ colour: Style.Colour?, wholeLine: Bool = false)
    -> String
  {
    var texts: [String] = []
    for (index, cell) in cells.dropLast(showsProcess ? 0 : 1).enumerated() {
      var text = cell
      if style.width == nil {
        widths[index] = max(widths[index], columns(of: cell))
      } else {
        // Of a place and a path the end says most.
        text = shortened(cell, to: widths[index], keepingEnd: index == 2 || index == 3)
      }
      let isLast = index == cells.count - 1
      texts.append(
        style.paint(text, wholeLine || index == 1 ? colour : nil)
          + (isLast ? "" : padded("", to: widths[index] - columns(of: text))))
    }
    return texts.joined(separator: String(repeating: " ", count: Table.gap)) + "\n"
  }
}

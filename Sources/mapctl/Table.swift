// SPDX-License-Identifier: Apache-2.0

/// Text in aligned columns that fits a width.
struct Table {
  struct Column {
    var title: String
    /// What it may shrink to; nil: as wide as its widest cell.
    var least: Int?
    /// Paths and ids: the end is kept.
    var keepsEnd = false
    /// Left out, the highest first, when the table does not fit otherwise. 0: never.
    var dispensable = 0

    init(_ title: String, least: Int? = nil, keepsEnd: Bool = false, dispensable: Int = 0) {
      self.title = title
      self.least = least
      self.keepsEnd = keepsEnd
      self.dispensable = dispensable
    }
  }

  struct Cell {
    var text: String
    var colour: Style.Colour?

    init(_ text: String, _ colour: Style.Colour? = nil) {
      self.text = text
      self.colour = colour
    }
  }

  static let gap = 2

  var columns: [Column]
  var rows: [[Cell]] = []

  func render(for style: Style) -> String {
    let (shown, widths) = layout(width: style.width)
    var lines = [line(shown.map { Cell(columns[$0].title, .bold) }, shown, widths, style)]
    for row in rows { lines.append(line(shown.map { row[$0] }, shown, widths, style)) }
    return lines.joined()
  }

  private func line(_ cells: [Cell], _ shown: [Int], _ widths: [Int], _ style: Style) -> String {
    var text = ""
    for (index, cell) in cells.enumerated() {
      let short = shortened(
        cell.text, to: widths[index], keepingEnd: columns[shown[index]].keepsEnd)
      let isLast = index == cells.count - 1
      let space = isLast ? 0 : widths[index] - mapctl.columns(of: short) + Self.gap
      text += style.paint(short, cell.colour) + String(repeating: " ", count: space)
    }
    return text + "\n"
  }

  /// The columns that are shown and their widths.
  private func layout(width: Int?) -> ([Int], [Int]) {
    func natural(_ index: Int) -> Int {
      rows.reduce(mapctl.columns(of: columns[index].title)) {
        max($0, mapctl.columns(of: $1[index].text))
      }
    }
    var shown = Array(columns.indices)
    guard let width else { return (shown, shown.map(natural)) }
    func least(_ index: Int) -> Int {
      max(
        min(natural(index), columns[index].least ?? Int.max),
        mapctl.columns(of: columns[index].title))
    }
    func total(_ widths: [Int]) -> Int { widths.reduce(0, +) + Self.gap * max(widths.count - 1, 0) }
    while total(shown.map(least)) > width,
      let goes = shown.filter({ columns[$0].dispensable > 0 }).max(by: {
        columns[$0].dispensable < columns[$1].dispensable
      })
    {
      shown.removeAll { $0 == goes }
    }
    var widths = shown.map(natural)
    let leasts = shown.map(least)
    while total(widths) > width {
      // The widest that can still give.
      guard
        let widest = widths.indices.filter({ widths[$0] > leasts[$0] }).max(by: {
          widths[$0] < widths[$1]
        })
      else { break }
      widths[widest] -= 1
    }
    return (shown, widths)
  }
}

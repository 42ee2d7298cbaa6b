// SPDX-License-Identifier: Apache-2.0

/// Text that someone else chose, safe for a terminal and on one line. Workloads choose the names of
/// their executables: escape sequences, line breaks and characters that reorder or hide their
/// neighbours are shown as `\u{1b}`, a backslash as `\\`, so that nothing can be forged.
func printable(_ text: String) -> String {
  var shown = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    if scalar == "\\" {
      shown.append(contentsOf: "\\\\".unicodeScalars)
    } else if isSafe(scalar) {
      shown.append(scalar)
    } else {
      shown.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
    }
  }
  return String(shown)
}

/// `1 container`, `2 containers`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

func isSafe(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
    false
  // Looks like nothing, or like an ordinary blank that it is not.
  case .spaceSeparator: scalar == " "
  // Piled onto the letter before: unreadable, and of no known width.
  case .enclosingMark, .nonspacingMark: false
  default: true
  }
}

/// Columns of a terminal that a safe text takes.
func columns(of text: some StringProtocol) -> Int {
  text.unicodeScalars.reduce(0) { $0 + (isWide($1) ? 2 : 1) }
}

/// East Asian wide characters and pictographs. An approximation: it only aligns.
private func isWide(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
    0xff00...0xff60,
    0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f9ff, 0x20000...0x3fffd:
    true
  default: false
  }
}

/// At most `width` columns, what is left out marked by `…`. Of a path the end says most.
func shortened(_ text: String, to width: Int, keepingEnd: Bool = false) -> String {
  guard columns(of: text) > width else { return text }
  var kept: [Character] = []
  var room = max(width - 1, 0)
  for character in keepingEnd ? Array(text.reversed()) : Array(text) {
    room -= columns(of: String(character))
    if room < 0 { break }
    kept.append(character)
  }
  return keepingEnd ? "…" + String(kept.reversed()) : String(kept) + "…"
}

func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - columns(of: text)))
}

// SPDX-License-Identifier: Apache-2.0

/// One thing that `mapctl doctor` looked at.
struct Finding: Encodable, Equatable {
  enum Level: String, Encodable, CaseIterable {
    case fine
    /// It could not be looked at: neither fine nor wrong.
    case unknown
    /// Protection holds; something is weaker than it could be, or will not stay as it is.
    case warning
    /// Containers run, or will start, without the protection that they should have; or do not start.
    case error
  }

  enum Area: String, Encodable {
    case kernel, gate, mapd, maps, hooks, service, versions
  }

  var area: Area
  var level: Level
  var text: String
  /// What to do; nil when nothing is to be done.
  var remedy: String?

  static func fine(_ area: Area, _ text: String) -> Finding { Finding(area: area, level: .fine, text: text) }

  static func unknown(_ area: Area, _ text: String, _ remedy: String) -> Finding {
    Finding(area: area, level: .unknown, text: text, remedy: remedy)
  }

  static func warning(_ area: Area, _ text: String, _ remedy: String) -> Finding {
    Finding(area: area, level: .warning, text: text, remedy: remedy)
  }

  static func error(_ area: Area, _ text: String, _ remedy: String) -> Finding {
    Finding(area: area, level: .error, text: text, remedy: remedy)
  }
}

/// Text with what helps beside it: from a failure that has both in one sentence.
extension Finding {
  init(_ area: Area, _ level: Level, _ failure: Failure, remedy: String) {
    let parts = failure.message.split(separator: "; ", maxSplits: 1).map(String.init)
    self.init(area: area, level: level, text: parts[0], remedy: parts.count > 1 ? parts[1] : remedy)
  }
}

struct DoctorReport: Encodable {
  /// The worst of all: an unknown counts as a warning, so that nobody who may not look is told
  /// that all is well.
  var result: Finding.Level
  var findings: [Finding]

  init(_ findings: [Finding]) {
    self.findings = findings
    let levels = Set(findings.map(\.level))
    result = levels.contains(.error) ? .error : levels.isSubset(of: [.fine]) ? .fine : .warning
  }

  var status: ExitStatus {
    switch result {
    case .fine: .success
    case .unknown, .warning: .finding
    case .error: .refused
    }
  }
}

/// `mapctl doctor` for people: what is wrong last, where the eye is.
enum DoctorText {
  static func render(_ report: DoctorReport, for style: Style) -> String {
    let width = "warning".count + "versions".count + 2 * Table.gap
    func block(_ text: String, _ indent: String) -> String {
      wrapped(printable(text), to: style.width.map { max($0 - width, 20) })
        .joined(separator: "\n" + String(repeating: " ", count: width) + indent)
    }
    var text = ""
    for level in Finding.Level.allCases {
      for finding in report.findings where finding.level == level {
        text += style.paint(padded(word(level), to: "warning".count + Table.gap), colour(level))
        text += padded(finding.area.rawValue, to: "versions".count + Table.gap) + block(finding.text, "") + "\n"
        if let remedy = finding.remedy {
          text += String(repeating: " ", count: width) + block("to do: " + remedy, "       ") + "\n"
        }
      }
    }
    return text + summary(report) + "\n"
  }

  private static func summary(_ report: DoctorReport) -> String {
    let counts = Finding.Level.allCases.map { level in (level, report.findings.count { $0.level == level }) }
    return counts.reversed().map { "\($0.1) \(word($0.0))" }.joined(separator: ", ")
  }

  private static func word(_ level: Finding.Level) -> String {
    switch level {
    case .fine: "ok"
    case .unknown: "unknown"
    case .warning: "warning"
    case .error: "ERROR"
    }
  }

  private static func colour(_ level: Finding.Level) -> Style.Colour? {
    switch level {
    case .fine: .green
    case .unknown, .warning: .yellow
    case .error: .red
    }
  }
}

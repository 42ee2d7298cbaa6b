// SPDX-License-Identifier: Apache-2.0
import ControlMessages

/// `mapctl status` for people: what matters first.
enum StatusText {
  static func render(_ status: StatusReport, for style: Style) -> String {
    var lines: [(name: String, value: String, colour: Style.Colour?)] = []
    func add(_ name: String, _ value: String, _ colour: Style.Colour? = nil) {
      lines.append((name, printable(value), colour))
    }
    switch (status.gateAttached, status.degraded) {
    case (false, _): add("protecting", "no: the gate is not attached, nothing is judged", .red)
    case (true, nil): add("protecting", "yes", .green)
    case (true, _): add("protecting", "yes, degraded", .yellow)
    }
    add("attach point", status.attachPoint)
    if let degraded = status.degraded { add("degraded", degraded, .yellow) }
    for attempt in status.notUsed { add("not used", "\(attempt.attach): \(attempt.reason)") }
    add("kernel", status.kernelRelease)
    add("LSMs", status.lsmList.isEmpty ? "unknown" : status.lsmList.joined(separator: ", "))
    add("mapd", "\(status.version), pid \(status.pid), since \(localTime(status.started))")
    add(
      "pins",
      "\(status.bpffsPath), layout \(status.layout), "
        + (status.adopted ? "taken over from an earlier mapd" : "made by this mapd"))
    for (name, fill) in [
      ("bindings", status.bindings), ("rule sets", status.ruleSets), ("rules", status.rules),
    ] {
      // Full maps refuse new containers: to be seen before that.
      add(
        name, "\(fill.used) of \(fill.maximum)", fill.used * 10 > fill.maximum * 9 ? .yellow : nil)
    }
    switch status.policyProblems {
    case 0: add("policies", "no problems")
    case 1: add("policies", "1 problem, see mapctl policies", .yellow)
    default: add("policies", "\(status.policyProblems) problems, see mapctl policies", .yellow)
    }
    for trouble in status.troubles ?? [] { add("trouble", trouble, .red) }
    if let count = status.openFailures, count > 0 {
      add(
        "hooks", "\(count) without an answer of mapd, the last: \(status.lastOpenFailure ?? "unknown")", .yellow)
    }
    let execs = CounterName.names.compactMap { name in status.counters[name].map { (name, $0) } }
    add("counters", counted(execs))
    let reasons = ReasonName.allCases.compactMap { reason in
      status.counters["reason." + reason.rawValue].map { (reason.rawValue, $0) }
    }
    if reasons.contains(where: { $0.1 > 0 }) { add("reasons", counted(reasons)) }
    add("events lost", "\(status.eventsLost)", status.eventsLost > 0 ? .yellow : nil)

    let width = lines.map(\.name.count).max()! + Table.gap
    return lines.map { line in
      let room = style.width.map { max($0 - width, 20) }
      let text = wrapped(line.value, to: room)
      return padded(line.name, to: width)
        + text.map { style.paint($0, line.colour) }.joined(
          separator: "\n" + String(repeating: " ", count: width)) + "\n"
    }.joined()
  }

  /// Those that have counted anything, in their order.
  private static func counted(_ counters: [(String, UInt64)]) -> String {
    let some = counters.filter { $0.1 > 0 }
    return some.isEmpty ? "none yet" : some.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }
}

/// Lines of at most `width` columns, broken at blanks; a longer word is left whole.
func wrapped(_ text: String, to width: Int?) -> [String] {
  guard let width else { return [text] }
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ", omittingEmptySubsequences: false) {
    if line.isEmpty {
      line = String(word)
    } else if columns(of: line) + 1 + columns(of: word) <= width {
      line += " " + word
    } else {
      lines.append(line)
      line = String(word)
    }
  }
  return lines + [line]
}

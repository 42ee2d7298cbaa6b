// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages

/// How an operator agrees to a change.
struct Consent: ParsableArguments {
  @Flag(name: [.short, .long], help: "Do not ask.")
  var yes = false

  @Flag(help: "Only show what would change.")
  var dryRun = false
}

/// A change of policies: shown, agreed to, made.
struct Editing {
  let options: Options
  let consent: Consent
  let context: Context

  func run(_ request: ControlRequest) throws -> ExitStatus {
    let client = options.client(options, in: context)
    guard let edit = try client.ask(request).edit else { throw ControlClient.strange("no change") }
    if options.json, consent.dryRun || !consent.yes {
      try context.output.write(JSONText.pretty(edit))
      guard consent.dryRun else {
        throw Failure(.usage, "with --json there is nobody to ask; add --yes or --dry-run")
      }
      return .success
    }
    if !options.json { try context.output.write(EditText.render(edit, for: context.output.style(context.environment))) }
    if edit.before == edit.after || consent.dryRun { return .success }
    if !consent.yes {
      let question = edit.losing.isEmpty ? "Do it?" : "Do it, and leave \(edit.losing.count) without protection?"
      guard try isAgreed(question) else {
        try context.output.write("nothing was changed\n")
        return .finding
      }
    }
    var agreed = request
    agreed.agreed = edit.digest
    guard let done = try client.ask(agreed).edit, done.done else { throw ControlClient.strange("no change") }
    try context.output.write(options.json ? JSONText.pretty(done) : EditText.done(done))
    return .success
  }

  private func isAgreed(_ question: String) throws -> Bool {
    guard let answer = try context.ask("\(question) [y/N] ") else {
      throw Failure(.usage, "there is nobody to ask; add --yes if the change is wanted")
    }
    return ["y", "yes"].contains(answer.lowercased())
  }
}

/// A change of policies for people.
enum EditText {
  static func render(_ edit: PolicyEdit, for style: Style) -> String {
    var text = printable(edit.file) + "\n"
    text += LineDiff.lines(edit.before ?? "", edit.after ?? "").map { line in
      style.paint(line.mark + printable(line.text), line.mark == "+" ? .green : line.mark == "-" ? .red : nil) + "\n"
    }.joined()
    if edit.before == edit.after { text += "no change\n" }
    for note in edit.notes { text += "note: \(printable(note))\n" }
    if edit.after != nil {
      let covered = edit.covered
      text += "it is for "
      text += covered.isEmpty ? "no container now\n" : "\(counted(covered.count, "container")) now: \(list(covered))\n"
    }
    if !edit.losing.isEmpty {
      let count = edit.losing.count
      text +=
        style.paint(
          "\(count) container\(count == 1 ? " loses its" : "s lose their") protection: \(list(edit.losing))", .red)
        + "\n"
    }
    return text
  }

  static func done(_ edit: PolicyEdit) -> String {
    "\(printable(edit.file)) \(edit.after == nil ? "removed" : "written"), in force\n"
  }

  private static func list(_ places: [String]) -> String {
    places.prefix(10).map(printable).joined(separator: ", ")
      + (places.count > 10 ? " and \(places.count - 10) more" : "")
  }
}

/// What differs between two texts, line by line, with three lines around.
enum LineDiff {
  struct Line: Equatable {
    /// `+`, `-`, or a blank.
    var mark: String
    var text: String
  }

  static let around = 3

  static func lines(_ before: String, _ after: String) -> [Line] {
    func split(_ text: String) -> [Substring] {
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      if lines.last == "" { lines.removeLast() }
      return lines
    }
    let (old, new) = (split(before), split(after))
    var removed = Set<Int>()
    var inserted = Set<Int>()
    for change in new.difference(from: old) {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var all: [Line] = []
    var (o, n) = (0, 0)
    while o < old.count || n < new.count {
      if removed.contains(o) {
        all.append(Line(mark: "-", text: String(old[o])))
        o += 1
      } else if inserted.contains(n) {
        all.append(Line(mark: "+", text: String(new[n])))
        n += 1
      } else {
        all.append(Line(mark: " ", text: String(old[o])))
        (o, n) = (o + 1, n + 1)
      }
    }
    let changed = all.indices.filter { all[$0].mark != " " }
    var shown: [Line] = []
    var last = -1
    for index in all.indices where changed.contains(where: { abs($0 - index) <= around }) {
      if index > last + 1, last >= 0 { shown.append(Line(mark: " ", text: "…")) }
      shown.append(all[index])
      last = index
    }
    return shown
  }
}

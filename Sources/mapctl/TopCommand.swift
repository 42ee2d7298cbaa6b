// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlMessages

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

struct Top: Action {
  static let configuration = CommandConfiguration(
    abstract: "Shows live what is judged and what is refused, until interrupted.",
    discussion: "On a terminal the picture is renewed in place; elsewhere each is written after the other.")

  @Option(help: ArgumentHelp("Seconds from one picture to the next.", valueName: "seconds"))
  var interval = 2

  @Option(help: ArgumentHelp("End after so many pictures.", valueName: "number"))
  var count: Int?

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  func validate() throws {
    guard (1...3600).contains(interval) else {
      throw ValidationError("--interval \(interval) is not within 1 to 3600.")
    }
    if let count, count < 1 { throw ValidationError("--count \(count) is not 1 or more.") }
  }

  func perform(in context: Context) throws -> ExitStatus {
    let all = Options.merged(options, parent.options)
    let client = all.client(all, in: context)
    var before: Picture?
    var shown = 0
    while true {
      let picture = try Picture(client)
      if all.json {
        try context.output.write(JSONText.line(picture))
      } else {
        // Asked each time: the window may have changed.
        let style = context.output.style(context.environment)
        let text = picture.render(since: before, for: style, height: context.output.height())
        // Home, the picture, and away with what is below: it does not flicker.
        try context.output.write(style.isTerminal ? "\u{1b}[H\u{1b}[2J" + text : text + "\n")
      }
      shown += 1
      if let count, shown >= count { return .success }
      before = picture
      sleep(UInt32(interval))
    }
  }
}

/// One moment of the node.
struct Picture: Encodable {
  var status: StatusReport
  var containers: [ContainerReport]
  var violations: [ViolationRecord]
  var seconds: Int64

  init(status: StatusReport, containers: [ContainerReport], violations: [ViolationRecord], seconds: Int64) {
    self.status = status
    self.containers = containers
    self.violations = violations
    self.seconds = seconds
  }

  init(_ client: ControlClient) throws {
    guard let status = try client.ask(ControlRequest(.status)).status,
      let containers = try client.ask(ControlRequest(.containers)).containers
    else { throw ControlClient.strange("no status") }
    var violations: [ViolationRecord] = []
    try client.stream(ControlRequest(.violations, limit: 200), violation: { violations.append($0) })
    self.init(status: status, containers: containers, violations: violations.reversed(), seconds: currentSeconds())
  }

  func render(since before: Picture?, for style: Style, height: Int?) -> String {
    let width = style.width ?? .max
    let room = height.map { max($0 - 6, 1) } ?? 20
    return style.paint(shortened(headline, to: width), status.gateAttached ? .green : .red) + "\n"
      + shortened(rates(since: before), to: width) + "\n\n"
      + ViolationsText.render(Array(violations.prefix(room)), for: style)
  }

  private var headline: String {
    let modes = Dictionary(grouping: containers, by: \.mode).mapValues(\.count)
    let counts = ["protect", "monitor", "learn"].map { "\(modes[$0] ?? 0) \($0)" }.joined(separator: ", ")
    let state =
      status.gateAttached
      ? "protects at \(printable(status.attachPoint))" : "does NOT protect: the gate is not attached"
    return "Holdfast \(state), \(counted(containers.count, "container")) (\(counts))"
  }

  private func rates(since before: Picture?) -> String {
    ["allowed", "refused", "reported", "learned", "runtime", "eventsLost"].map { name in
      let now = status.counters[name] ?? 0
      guard let before, seconds > before.seconds else { return "\(name) \(now)" }
      let past = before.status.counters[name] ?? 0
      return "\(name) \(now) (\((now > past ? now - past : 0) / UInt64(seconds - before.seconds))/s)"
    }.joined(separator: "  ")
  }
}

extension Output {
  /// Lines of the terminal; nil: it is none.
  func height() -> Int? {
    var size = winsize()
    guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
    return Int(size.ws_row)
  }
}

// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Foundation
import Testing

@testable import mapctl

/// What a workload can put into the name of an executable.
private let hostile = [
  "\u{1b}[2J", "\u{1b}]0;title\u{7}", "\r/bin/good", "\n2026-11-21 fake line", "\u{9b}31m",
  "\u{202e}gpj.exe", "\u{200b}", "\u{7f}",
  "\u{2028}", "\u{e0041}", "\u{a0}", "a\u{301}\u{301}\u{301}",
]

@Suite struct RenderingTests {
  @Test(arguments: hostile) func namesOfWorkloadsCannotActOnTheTerminal(_ name: String) throws {
    var container = ContainerReport.nginx
    container.name = name
    container.pod = name
    container.policies = [name]
    container.state = name
    container.resolvedLinks = [.init(listed: name, resolved: name)]
    var event = ViolationEvent.of("/tmp/" + name)
    event.comm = name
    event.container = name
    event.reason = name
    event.verdict = name
    event.time = name
    var status = StatusReport.good
    status.degraded = name
    var policy = PolicyReport.bad
    policy.name = name
    policy.file = name
    policy.problems[0].message = name
    var text = EventsText(style: Style())
    let shown = try [
      ContainersText.render([container], for: Style()), text.render(event),
      StatusText.render(status, for: Style()),
      PoliciesText.render([policy], for: Style()), JSONText.pretty(container), JSONText.line(event),
    ]
    for output in shown {
      for scalar in output.unicodeScalars where scalar != "\n" {
        #expect(isSafe(scalar), "\(scalar.value) in \(output)")
      }
    }
    #expect(shown[1].filter { $0 == "\n" }.count == 1)
    #expect(shown[5].filter { $0 == "\n" }.count == 1)
    #expect(try ControlCoding.value(ViolationEvent.self, from: shown[5].utf8) == event)
  }

  @Test func escapesCannotBeForged() {
    #expect(printable("\u{1b}") == "\\u{1b}")
    #expect(printable("\\u{1b}") == "\\\\u{1b}")
    #expect(printable("/bin/ä 日本") == "/bin/ä 日本")
  }

  @Test(arguments: [40, 60, 80, 100, 120, 200]) func tablesFitTheTerminal(_ width: Int) {
    var long = ContainerReport.nginx
    long.name = "a-container-with-quite-a-long-name"
    long.pod = "deployment-7d4b9c6f5-x2x9z-日本語日本語日本語"
    long.policies = ["shop/one", "shop/two", "shop/three"]
    long.resolvedLinks = []
    let style = Style(width: width, isColoured: false, isTerminal: true)
    for line in ContainersText.render([.nginx, long], for: style).split(separator: "\n")
    where !line.contains("link to") {
      #expect(columns(of: line) <= max(width, 60), "\(line)")
    }
    for line in PoliciesText.render([.web, .web], for: style).split(separator: "\n") {
      #expect(columns(of: line) <= max(width, 70), "\(line)")
    }
    var events = EventsText(style: style)
    for path in ["/bin/sh", "/" + String(repeating: "very/long/", count: 20) + "leaf"] {
      for line in events.render(.of(path)).split(separator: "\n") {
        #expect(columns(of: line) <= max(width, 75), "\(line)")
      }
    }
  }

  @Test func aCutPathKeepsItsLeaf() {
    var events = EventsText(style: Style(width: 80, isTerminal: true))
    #expect(
      events.render(.of("/" + String(repeating: "very/long/", count: 20) + "leaf")).contains("…"))
    #expect(
      events.render(.of("/" + String(repeating: "very/long/", count: 20) + "leaf")).contains(
        "long/leaf"))
  }

  @Test func nothingIsCutInAPipe() {
    let path = "/" + String(repeating: "very/long/", count: 40) + "leaf"
    var events = EventsText(style: Style())
    #expect(events.render(.of(path)).contains(path))
    var policy = PolicyReport.web
    policy.file = path
    #expect(PoliciesText.render([policy], for: Style()).contains(path))
  }

  @Test func columnsAreAligned() {
    var second = PolicyReport.web
    second.name = "a-longer-name"
    let lines = PoliciesText.render([.web, second], for: Style()).split(separator: "\n")
    #expect(
      lines.map(String.init) == [
        "POLICY              MODE     STATE     BOUND  CONTAINERS (RULES)  FILE",
        "shop/web            protect  in force  1      nginx (12)          web.yaml",
        "shop/a-longer-name  protect  in force  1      nginx (12)          web.yaml",
      ])
  }

  @Test func colourIsForTerminalsWithoutNO_COLOR() throws {
    #expect(!StatusText.render(.good, for: Style()).contains("\u{1b}"))
    #expect(
      StatusText.render(.good, for: Style(isColoured: true)).contains("\u{1b}[32myes\u{1b}[0m"))
    var (controller, terminal): (Int32, Int32) = (0, 0)
    var size = winsize(ws_row: 24, ws_col: 97, ws_xpixel: 0, ws_ypixel: 0)
    #expect(openpty(&controller, &terminal, nil, nil, &size) == 0)
    defer {
      close(controller)
      close(terminal)
    }
    func style(_ variables: [String: String]) -> Style {
      Output(terminal).style(Environment(variables: variables))
    }
    #expect(style([:]).isColoured)
    #expect(style([:]).width == 97)
    #expect(!style(["NO_COLOR": "1"]).isColoured)
    #expect(style(["NO_COLOR": ""]).isColoured)
    #expect(!style(["TERM": "dumb"]).isColoured)
    #expect(style(["COLUMNS": "50"]).width == 50)
    let file = tmpfile()!
    defer { fclose(file) }
    #expect(!Output(fileno(file)).style(Environment()).isColoured)
    #expect(Output(fileno(file)).style(Environment()).width == nil)
  }

  @Test func aFullMapAndLostEventsAreColoured() {
    var status = StatusReport.good
    status.eventsLost = 7
    let text = StatusText.render(status, for: Style(isColoured: true))
    #expect(text.contains("\u{1b}[33m61000 of 65536"))
    #expect(text.contains("\u{1b}[33m7\u{1b}[0m"))
    #expect(text.contains("reasons       notListed 3\n"))
  }
}

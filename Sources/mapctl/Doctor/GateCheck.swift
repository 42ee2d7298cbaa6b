// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement

/// The gate as it is pinned, which enforces whether mapd runs or not; and how full its maps are.
struct GateCheck {
  struct Layout {
    var name: String
    var programs: [String]
    /// nil: not all programs of any attach point are attached.
    var attachPoint: AttachPoint?
    var missingMaps: [String] = []
    var fills: [PinnedGate.Fill] = []
    /// Whether the attached program is that of the installed object. nil: it cannot be told.
    var isOfObject: Bool?
    /// Why the object could not be compared.
    var objectProblem: String?
  }

  enum Pins {
    case found([Layout])
    /// They cannot be looked at, and why.
    case hidden(String)
  }

  var pinRoot: String
  var object: String
  var pins: Pins
  /// mapd's own answer, which knows why better attach points were not taken.
  var status: StatusReport?
  /// nil: it cannot be read.
  var lsmList: [String]?

  var findings: [Finding] {
    switch pins {
    case .hidden(let reason):
      return [.unknown(.gate, "the pins in \(pinRoot) cannot be looked at: \(reason)", "run mapctl doctor as root")]
    case .found(let layouts):
      let attached = layouts.filter { !$0.programs.isEmpty }
      guard let gate = attached.first(where: { $0.name == PinnedGate.knownLayout }) ?? attached.first else {
        return [nothingAttached(layouts)]
      }
      return [attachPoint(gate), otherLayouts(layouts, than: gate), wholeness(gate), program(gate)].compactMap(\.self)
        + fills(gate)
    }
  }

  private func nothingAttached(_ layouts: [Layout]) -> Finding {
    .error(
      .gate,
      layouts.isEmpty
        ? "no gate is pinned in \(pinRoot): no exec is judged"
        : "maps are pinned in \(pinRoot), but no program is attached: no exec is judged",
      "start mapd (systemctl start mapd); if it does not start, its log says why: journalctl -u mapd")
  }

  private func attachPoint(_ gate: Layout) -> Finding {
    guard let point = gate.attachPoint else {
      return .error(
        .gate, "of the gate only \(gate.programs.joined(separator: ", ")) is attached",
        "restart mapd, which attaches what is missing (systemctl restart mapd)")
    }
    let better = AttachPoint.allCases.prefix { $0 != point }.map { "\($0.rawValue) is not used: \(whyNot($0))" }
    let text = (["the gate is attached at \(point.rawValue)"] + better).joined(separator: "; ")
    guard let degraded = point.degraded else { return .fine(.gate, text) }
    return .warning(
      .gate, "\(text); degraded: \(degraded)",
      lsmList?.contains("bpf") == true
        ? "restart mapd (systemctl restart mapd): the kernel offers lsm, and mapd's log says why it was not taken"
        : "add bpf to the kernel's LSM list, on its command line: lsm=\((lsmList.map { $0 + ["bpf"] } ?? ["...", "bpf"]).joined(separator: ","))"
    )
  }

  private func whyNot(_ point: AttachPoint) -> String {
    if let attempt = status?.notUsed.first(where: { $0.attach == point.rawValue }) { return attempt.reason }
    if point == .lsm, let lsmList, !lsmList.contains("bpf") { return "bpf is not in the kernel's LSM list" }
    return "mapd knows why, and says it at its start (journalctl -u mapd)"
  }

  private func otherLayouts(_ layouts: [Layout], than gate: Layout) -> Finding? {
    if gate.name != PinnedGate.knownLayout {
      return .warning(
        .versions, "the gate in \(pinRoot)/\(gate.name) is of another release: this one has \(PinnedGate.knownLayout)",
        "install mapd and mapctl of the same release, and restart mapd (systemctl restart mapd)")
    }
    let others = layouts.filter { $0.name != gate.name }.map(\.name)
    return others.isEmpty
      ? nil
      : .warning(
        .versions, "a gate of another release is still pinned beside it (\(others.joined(separator: ", ")))",
        "restart mapd, which ends it (systemctl restart mapd)")
  }

  private func wholeness(_ gate: Layout) -> Finding? {
    gate.missingMaps.isEmpty
      ? nil
      : .error(
        .gate, "pins of maps are missing in \(pinRoot)/\(gate.name): \(gate.missingMaps.joined(separator: ", "))",
        "start mapd: it makes them anew within a second while the gate is attached")
  }

  private func program(_ gate: Layout) -> Finding? {
    if let problem = gate.objectProblem {
      return .unknown(.versions, "the pinned program cannot be compared with \(object): \(problem)", "install it again")
    }
    switch gate.isOfObject {
    case true: return .fine(.versions, "the pinned program is that of \(object)")
    case false:
      return .warning(
        .versions, "the pinned program is not that of \(object): mapd was not restarted since that was installed",
        "systemctl restart mapd")
    case nil: return nil
    }
  }

  private func fills(_ gate: Layout) -> [Finding] {
    var all = gate.fills
    if let status { all.append(.init(map: "rule sets", used: status.ruleSets.used, maximum: status.ruleSets.maximum)) }
    return all.map { fill in
      let text = "\(fill.map): \(fill.used) of \(fill.maximum)"
      guard fill.used * 10 > fill.maximum * 9 else { return .fine(.maps, text) }
      return fill.map == "reports" ? reports(text) : isNearlyFull(fill, text)
    }
  }

  private func reports(_ text: String) -> Finding {
    .warning(
      .maps, "\(text): what is refused is counted, and no longer told one by one when it is full",
      "see what is refused so often (mapctl top), and correct its policy")
  }

  private func isNearlyFull(_ fill: PinnedGate.Fill, _ text: String) -> Finding {
    let option = fill.map == "bindings" ? "--max-bindings" : "--max-rules"
    let remedy =
      fill.map == "rule sets"
      ? "use fewer different policies on this node"
      : "list folders instead of single files, or give mapd more (\(option)), which takes mapctl uninstall before its start"
    return fill.used >= fill.maximum
      ? .error(.maps, "\(text): the next container under protect is refused", remedy)
      : .warning(.maps, "\(text): when it is full the next container under protect is refused", remedy)
  }
}

extension GateCheck {
  static func read(pinRoot: String, object: String, status: StatusReport?, lsmList: [String]?) -> GateCheck {
    var check = GateCheck(pinRoot: pinRoot, object: object, pins: .found([]), status: status, lsmList: lsmList)
    do {
      check.pins = .found(try PinnedGate.all(below: pinRoot).map { layout($0, object: object) })
    } catch {
      check.pins = .hidden("\(error)")
    }
    return check
  }

  private static func layout(_ gate: PinnedGate, object: String) -> Layout {
    var layout = Layout(
      name: gate.layout, programs: gate.programs, attachPoint: gate.attachPoint, missingMaps: gate.missingMaps,
      fills: gate.fills)
    do { layout.isOfObject = try gate.isOf(object: object) } catch { layout.objectProblem = "\(error)" }
    return layout
  }
}

// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Enforcement
import Policy

/// Tells what the gate would do with an exec: what is in force is read from the kernel's maps,
/// not from what mapd believes.
struct Explainer: Sendable {
  /// binfmt_script gives up after this many interpreters that are scripts themselves.
  static let interpretersMax = 5

  let registry: ContainerRegistry
  let gate: Gate

  func explain(_ container: String, _ path: String) async throws(ControlFailure) -> Explanation {
    let record = try await registry.container(called: container)
    guard path.utf8.first == UInt8(ascii: "/") else {
      throw ControlFailure(
        message: "\(path) is not an absolute path", remedy: "write it from the container's root, e.g. /bin/sh")
    }
    var explanation = Explanation(
      containerID: record.identity.id, container: record.identity.name, pod: record.identity.pod,
      namespace: record.identity.namespace, asked: path, outcome: "notJudged", reason: nil, steps: [],
      policies: record.bound?.policies ?? [], mode: "off", ruleSetID: 0, generation: 0, bindingID: 0, sealed: false,
      notes: [])
    guard let start = try reading(record, "/") else {
      explanation.notes.append("the container's cgroup is not in map bindings: no policy is for it, nothing is judged")
      return explanation
    }
    explanation.ruleSetID = start.ruleSet
    explanation.generation = start.generation
    explanation.bindingID = start.binding
    explanation.sealed = start.isSealed
    explanation.mode = start.isValid ? ModeName.name(code: UInt32(start.mode.rawValue)) : "protect"
    try await addSteps(path, record, to: &explanation)
    if start.isValid, start.mode == .off { return explanation }
    let wrong = explanation.steps.first { $0.reason != "listed" }
    explanation.reason = start.isValid ? wrong?.reason ?? "listed" : "ruleSetMissing"
    explanation.outcome =
      explanation.reason == "listed"
      ? "allowed" : ["learn": "learned", "monitor": "reported"][explanation.mode] ?? "refused"
    explanation.notes += notes(explanation, start)
    return explanation
  }

  private func reading(_ record: ContainerRecord, _ path: String) throws(ControlFailure) -> MapReading? {
    do {
      return try gate.read(record.cgroup.key, path: Array(path.utf8))
    } catch {
      throw ControlFailure(
        message: "\(path) has no key in the maps (\(error)); the gate refuses it in protect as pathTooDeep",
        remedy: "give an absolute path without . and .., of at most 64 components")
    }
  }

  /// The executable, then the interpreters that its first line brings in.
  private func addSteps(_ path: String, _ record: ContainerRecord, to explanation: inout Explanation)
    async throws(ControlFailure)
  {
    var next: String? = path
    for depth in 0...Self.interpretersMax {
      guard let asked = next else { return }
      let found = registry.find(asked, in: record)
      let walked = found?.path ?? asked
      guard let reading = try reading(record, walked) else { return }
      let isInterpreter = depth > 0
      var step = Explanation.Step(
        path: walked, role: isInterpreter ? "interpreter" : "executable",
        found: found.map { $0.isDirectory ? "directory" : "file" } ?? "missing",
        origin: found?.origin.rawValue ?? "unknown", reason: "notListed")
      if reading.use.contains(.executable) {
        (step.rule, step.reason) = (walked, "listed")
      } else if let directory = reading.directory {
        (step.rule, step.reason) = (String(decoding: directory, as: UTF8.self) + "/", "listed")
      } else if isInterpreter {
        let isImplied = reading.use.contains(.interpreter)
        step.rule = isImplied ? "\(walked) as the interpreter of a listed script" : nil
        let isKill = gate.attachPoint == .kill
        step.reason = !isImplied ? "interpreterNotListed" : isKill ? "scriptUnseen" : "listed"
      } else if reading.use.contains(.interpreter) {
        explanation.notes.append("\(walked) may run as the interpreter of a listed script, not by itself")
      }
      if step.reason == "listed", !reading.allow.contains(.writableLayer) {
        switch found?.origin {
        case .writableLayer: step.reason = "writableLayer"
        case .changed: step.reason = "changedFile"
        default: break
        }
      }
      explanation.steps.append(step)
      if asked != walked { explanation.notes.append("\(asked) is a link to \(walked); the gate judges where it leads") }
      // At the kill attach point the gate sees the last interpreter only.
      next = found?.interpreter
      if next != nil, gate.attachPoint == .kill { explanation.steps.removeAll() }
    }
  }

  private func notes(_ explanation: Explanation, _ reading: MapReading) -> [String] {
    var notes: [String] = []
    if explanation.steps.contains(where: { $0.found == "missing" }) {
      notes.append("nothing is at the path now: links in it are not followed, and its layer is not known")
    } else if explanation.steps.contains(where: { $0.origin == "unknown" }) {
      notes.append("the container's files cannot be looked at: whether the file is the image's is not known")
    }
    if !reading.isSealed {
      notes.append("the workload has not executed anything yet: its root and mounts are not known to the gate")
    }
    notes.append(
      "taken for granted: the process is in the container's own mount namespace, root and cgroup, and the file is on no mount made later"
    )
    if gate.attachPoint == nil { notes.append("no program is attached: nothing is enforced") }
    return notes
  }
}

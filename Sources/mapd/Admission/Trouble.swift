// SPDX-License-Identifier: Apache-2.0
import Enforcement

/// What goes wrong on this node and does not end by itself: told in `mapctl status`.
public struct Trouble: Sendable {
  /// Containers that are not under the policy that is for them, or not under its latest
  /// version, and why. By id.
  var containers: [String: String] = [:]
  /// Why the pins are not what they should be.
  var pins: String?
  /// How often map `bindings`, or a limit of it, took no container, since mapd's start.
  public private(set) var bindingsFull: UInt64 = 0
  /// How often maps `rules` or `rulesets` took no rules, since mapd's start.
  public private(set) var rulesFull: UInt64 = 0

  mutating func count(_ error: any Error) {
    guard let error = error as? EnforcementError, error.kind == .full else { return }
    if error.operation.contains("map rules") { rulesFull += 1 } else { bindingsFull += 1 }
  }

  /// A sentence each, for people; empty when all is well.
  public var sentences: [String] {
    (pins.map { [$0] } ?? [])
      + containers.keys.sorted().map { "container \($0) \(containers[$0]!)" }
  }
}

extension ContainerRegistry {
  public func troubles() -> Trouble { trouble }

  /// Makes pins anew that somebody has removed.
  func keepPinned() {
    let (restored, problem) = gate.keepPinned()
    if !restored.isEmpty {
      log.critical(
        "pins of the gate were missing and have been made anew",
        metadata: ["pins": "\(restored.joined(separator: ","))"])
    }
    if let problem, trouble.pins != problem { log.critical("\(problem)") }
    trouble.pins = problem
  }

  /// The containers that ended since the last call. Their reports are final when this returns:
  /// tell them, then have them forgotten.
  public func takeEnded() -> Set<CgroupKey> {
    guard !ended.isEmpty else { return [] }
    defer { ended = [] }
    Gate.waitForPrograms()
    return ended
  }

  public func forgetReports(_ cgroups: Set<CgroupKey>) { gate.reports.remove(cgroups) }
}

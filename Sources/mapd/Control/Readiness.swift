// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Logging
import Observation
import Policy

/// Since when each policy has its mode, on disk, so that a restart does not begin the time anew.
public actor Readiness {
  private struct Kept: Codable {
    var mode: String
    var since: String
  }

  private let registry: ContainerRegistry
  private let violations: ViolationStore
  private let path: String
  private let log: Logger
  private var kept: [String: Kept] = [:]
  private var hasFailed = false
  /// When note() last looked. What it finds changed may have changed right after: a violation of
  /// the moment between must count against the policy.
  private var noted: String?

  public init(registry: ContainerRegistry, violations: ViolationStore, stateDirectory: String, log: Logger) {
    self.registry = registry
    self.violations = violations
    self.log = log
    path = stateDirectory + "/policies.json"
    do {
      if let bytes = try StateFile.read(path) { kept = try ControlCoding.value([String: Kept].self, from: bytes) }
    } catch {
      log.error("how long policies have been in force cannot be read", metadata: ["reason": "\(error)"])
      StateFile.setAside(path)
    }
  }

  /// Notes modes that have changed. Call it once a second.
  public func note() async {
    let now = Timestamp.now.iso8601
    let since = noted ?? now
    noted = now
    var next: [String: Kept] = [:]
    for placed in await registry.policies.policies {
      let (name, mode) = (placed.policy.name.description, placed.policy.mode.rawValue)
      let old = kept[name]
      next[name] = old?.mode == mode ? old : Kept(mode: mode, since: since)
    }
    let isSame =
      next.count == kept.count
      && next.allSatisfy { kept[$0.key]?.since == $0.value.since && kept[$0.key]?.mode == $0.value.mode }
    guard !isSame || hasFailed else { return }
    kept = next
    do {
      try StateFile.write(try ControlCoding.line(next), to: path)
      hasFailed = false
    } catch {
      if !hasFailed {
        log.error("how long policies have been in force cannot be written", metadata: ["reason": "\(error)"])
      }
      hasFailed = true
    }
  }

  func report(_ placed: PlacedPolicy) async -> ReadinessReport {
    await note()
    let policy = placed.policy
    let name = policy.name.description
    let since = kept[name]?.since ?? Timestamp.now.iso8601
    let set = await registry.policies
    var covered: [String] = []
    var effective: [String: EffectivePolicy] = [:]
    for record in registry.allContainers() where registry.isAlive(record) {
      guard let found = set.effective(for: record.identity.workload), found.policies.contains(policy.name) else {
        continue
      }
      covered.append(record.place)
      effective[record.identity.name] = found
    }
    var refused: [ViolationRecord] = []
    var resolved = 0
    for record in await violations.records(of: name) where record.last >= since {
      let executable = await violations.executable(record.id) ?? []
      let rules = effective[record.latest.container]?.rules ?? Self.rules(of: policy, record.latest.container)
      let isListed = rules.contains { Self.lists($0, executable) }
      if isListed, record.latest.reason == ReasonName.notListed.rawValue {
        resolved += 1
      } else {
        refused.append(record)
      }
    }
    var obstacles: [String] = []
    switch policy.mode {
    case .learn: obstacles.append("it is in mode learn: set it to monitor first, mapctl policies mode \(name) monitor")
    case .protect: break
    case .monitor: if covered.isEmpty { obstacles.append("it is for no container now: nothing is being monitored") }
    }
    let open = refused.count { $0.acknowledged == nil }
    if open > 0 {
      obstacles.append(
        "\(open) executable\(open == 1 ? "" : "s") would be refused and nobody has acknowledged it: mapctl violations \(name)"
      )
    }
    return ReadinessReport(
      policy: name, mode: policy.mode.rawValue, since: since, containers: covered.sorted(), wouldRefuse: refused,
      acknowledgedCount: refused.count - open, resolvedCount: resolved, obstacles: obstacles)
  }

  private static func rules(of policy: WorkloadPolicy, _ container: String) -> [PathRule] {
    (policy.rulesByContainer[container]?.allowed ?? []).map { PathRule($0, interpretersImplied: true) }
  }

  private static func lists(_ rule: PathRule, _ path: [UInt8]) -> Bool {
    let listed = Array(rule.path.utf8)
    return rule.isDirectory
      ? path.count > listed.count && path.starts(with: listed + [UInt8(ascii: "/")]) : path == listed
  }
}

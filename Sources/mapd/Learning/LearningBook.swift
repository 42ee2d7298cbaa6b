// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement
import Observation
import Policy

/// What was learned, by workload and name of the container: executables with what is known of
/// them. Bounded; what finds no room is counted. Does no I/O.
struct LearningBook {
  static let workloadsMax = 1024
  static let containersMax = 64
  static let executablesMax = 512
  /// Bytes of all paths of a workload: its proposal must be readable as a policy file, of at
  /// most 1 MiB, when each byte has to be escaped.
  static let pathBytesMax = 128 << 10
  static let podsMax = 8

  struct Executable: Codable {
    var path: [UInt8]
    var count: UInt64 = 0
    var first: String
    var last: String
    var sources: Set<String> = []
    var roles: Set<String> = []
    var origin: String
    var pods: [String] = []
    /// Why it is not proposed.
    var unlisted: String?
    /// At the kill attach point an interpreter is all that the gate sees of a script.
    var isSeenAlone = false
    var seen: [ReportKey: UInt64] = [:]

    enum CodingKeys: String, CodingKey {
      case path, count, first, last, sources, roles, origin, pods, unlisted, isSeenAlone
    }
  }

  struct Container: Codable {
    var images: Set<String> = []
    var executables: [[UInt8]: Executable] = [:]
  }

  struct Workload {
    var name: PolicyName
    /// Labels that all pods of it had; nil: it is asked for by name, or has none.
    var labels: [String: String]?
    var first: String
    var last: String
    var dropped: UInt64 = 0
    var containers: [String: Container] = [:]

    var pathBytes: Int {
      containers.values.reduce(0) { $0 + $1.executables.keys.reduce(0) { $0 + $1.count } }
    }
  }

  /// One observation.
  struct Sighting {
    var workload: PolicyName
    var labels: [String: String]?
    var container: String
    var image: String?
    var place: String
    var path: [UInt8]
    var time: String
    var source: String
    var role: String
    var origin: String
    var unlisted: String?
    var isSeenAlone = false
  }

  private(set) var workloads: [PolicyName: Workload] = [:]
  /// Workloads that found no room.
  private(set) var droppedWorkloads: UInt64 = 0
  private var byReport: [ReportKey: (PolicyName, String, [UInt8])] = [:]
  private(set) var changed = Set<PolicyName>()

  /// - Returns: false when there was no room for it.
  @discardableResult
  mutating func add(_ sighting: Sighting, key: ReportKey? = nil, count: UInt64 = 0) -> Bool {
    let name = sighting.workload
    guard workloads[name] != nil || workloads.count < Self.workloadsMax else {
      droppedWorkloads += 1
      return false
    }
    var workload =
      workloads[name] ?? Workload(name: name, labels: sighting.labels, first: sighting.time, last: sighting.time)
    defer {
      workloads[name] = workload
      changed.insert(name)
    }
    workload.last = max(workload.last, sighting.time)
    if let labels = workload.labels { workload.labels = labels.filter { sighting.labels?[$0.key] == $0.value } }
    guard workload.containers[sighting.container] != nil || workload.containers.count < Self.containersMax else {
      workload.dropped += 1
      return false
    }
    var container = workload.containers[sighting.container] ?? Container()
    if let image = sighting.image, container.images.count < Self.podsMax { container.images.insert(image) }
    let known = container.executables[sighting.path]
    let hasRoom =
      container.executables.count < Self.executablesMax
      && workload.pathBytes + sighting.path.count <= Self.pathBytesMax
    guard known != nil || hasRoom else {
      workload.containers[sighting.container] = container
      workload.dropped += 1
      return false
    }
    var executable =
      known ?? Executable(path: sighting.path, first: sighting.time, last: sighting.time, origin: sighting.origin)
    executable.last = max(executable.last, sighting.time)
    executable.sources.insert(sighting.source)
    executable.roles.insert(sighting.role)
    // What was once seen in the writable layer stays suspect.
    if executable.origin == "image" || executable.origin == "unknown" { executable.origin = sighting.origin }
    // One sighting as a plain file of the container is enough to list it.
    executable.unlisted = known == nil || executable.unlisted != nil ? sighting.unlisted : nil
    executable.isSeenAlone = executable.isSeenAlone || sighting.isSeenAlone
    if !executable.pods.contains(sighting.place), executable.pods.count < Self.podsMax {
      executable.pods.append(sighting.place)
    }
    if let key {
      executable.add(key, count)
      if count > 0 { byReport[key] = (name, sighting.container, sighting.path) }
    }
    container.executables[sighting.path] = executable
    workload.containers[sighting.container] = container
    return true
  }

  /// Repeats that the kernel has counted.
  mutating func advance(_ key: ReportKey, count: UInt64, time: String) {
    guard let (name, container, path) = byReport[key],
      let seen = workloads[name]?.containers[container]?.executables[path]?.seen[key], seen != count
    else { return }
    workloads[name]!.containers[container]!.executables[path]!.add(key, count)
    workloads[name]!.containers[container]!.executables[path]!.last = time
    workloads[name]!.last = time
    changed.insert(name)
  }

  mutating func forget(_ key: ReportKey) {
    guard let (name, container, path) = byReport.removeValue(forKey: key) else { return }
    workloads[name]?.containers[container]?.executables[path]?.seen[key] = nil
    changed.insert(name)
  }

  mutating func takeChanged() -> Set<PolicyName> {
    defer { changed = [] }
    return changed
  }

  mutating func markChanged(_ name: PolicyName) { changed.insert(name) }

  mutating func restore(_ workload: Workload) {
    workloads[workload.name] = workload
    for (container, content) in workload.containers {
      for (path, executable) in content.executables {
        for key in executable.seen.keys { byReport[key] = (workload.name, container, path) }
      }
    }
  }
}

extension LearningBook.Executable {
  mutating func add(_ key: ReportKey, _ now: UInt64) {
    let before = seen[key] ?? 0
    // 0: the kernel does not count it, each is one. Below what was seen: read before it.
    count &+= now == 0 ? 1 : now > before ? now - before : 0
    if now > before { seen[key] = now }
  }

  /// In the proposal: not an interpreter that only ran for scripts, which bring it with them.
  var isListed: Bool { unlisted == nil && (roles.contains("program") || isSeenAlone) }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where runtimes keep the state of their containers.
public struct DiscoveryRoots: Sendable {
  /// Holds runc, crun, containerd, containers/storage and user.
  public var run: String
  /// Graph roots of containers/storage, where podman and CRI-O keep bundles.
  public var storage: [String]
  /// Further folders of runc's or crun's state (`--root`).
  public var further: [String]

  public init(run: String = "/run", storage: [String] = ["/var/lib/containers/storage"], further: [String] = []) {
    self.run = run
    self.storage = storage
    self.further = further
  }
}

/// A container as its runtime's state on disk tells of it. Nothing of it is checked yet.
struct FoundContainer: Equatable {
  var id: String
  var bundle: String
  var pid: Int32
  /// Field 22 of /proc/<pid>/stat, where the state has it.
  var initStartTicks: UInt64?
  /// Else: when the pid was written. Its process cannot have started later.
  var written: Int64?
  /// Paths of its cgroup below the hierarchies' roots, by controller (`""`: cgroup2).
  var cgroups: [String: String] = [:]
  /// Who could have written the state.
  var owner: uid_t
  /// The file that tells of it, for messages.
  var source: String
}

/// Reads the state of runtimes. Decides nothing of containers; what cannot be read is a
/// problem to tell of, and keeps nothing else from being found.
struct Discovery {
  let roots: DiscoveryRoots
  private(set) var found: [FoundContainer] = []
  private(set) var problems: [String] = []

  init(_ roots: DiscoveryRoots) { self.roots = roots }

  /// runc and crun first: their state has the start of the process, and serves containerd,
  /// CRI-O and podman as well. A container in several places is taken from the first.
  mutating func scan() {
    let run = roots.run
    for root in ["\(run)/runc", "\(run)/crun"] + roots.further { each(root) { try $0.scanOCI($1) } }
    for base in ["containerd", "k3s/containerd", "docker/containerd/daemon"] {
      each("\(run)/\(base)/runc") { try $0.scanGroups($1) { try $0.scanOCI($1) } }
    }
    each("\(run)/docker/runtime-runc") { try $0.scanGroups($1) { try $0.scanOCI($1) } }
    for base in ["containerd", "k3s/containerd", "docker/containerd/daemon"] {
      each("\(run)/\(base)/io.containerd.runtime.v2.task") { try $0.scanGroups($1) { try $0.scanTasks($1) } }
    }
    each("\(run)/containers/storage") { try $0.scanStorage($1) }
    scanUsers()
  }

  /// Rootless runtimes keep their state in the user's own folder.
  private mutating func scanUsers() {
    each("\(roots.run)/user") { discovery, users in
      for name in try users.names() {
        guard let uid = uid_t(name), uid != 0 else { continue }
        discovery.attempt {
          guard let home = try users.folder(name, owner: uid) else { return }
          for runtime in ["runc", "crun"] {
            if let root = try home.folder(runtime) { try $0.scanOCI(root) }
          }
        }
      }
    }
  }

  private mutating func each(
    _ path: String, _ read: (inout Discovery, DiscoveryFolder) throws -> Void
  ) {
    attempt {
      guard let folder = try DiscoveryFolder(path) else { return }
      try read(&$0, folder)
    }
  }

  /// A folder for each containerd namespace.
  private mutating func scanGroups(
    _ folder: DiscoveryFolder, _ scan: (inout Discovery, DiscoveryFolder) throws -> Void
  ) throws(AdmissionError) {
    for name in try folder.names() {
      attempt {
        guard let group = try folder.folder(name) else { return }
        try scan(&$0, group)
      }
    }
  }

  mutating func attempt(_ read: (inout Discovery) throws -> Void) {
    do { try read(&self) } catch { problems.append("\(error)") }
  }

  mutating func add(_ container: FoundContainer) {
    // The same process again, as another layer of the runtime tells of it.
    guard !found.contains(where: { $0.id == container.id && $0.pid == container.pid }) else { return }
    found.append(container)
  }
}

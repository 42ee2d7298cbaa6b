// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Foundation
import Logging
import NIOCore
import NIOPosix
import Policy
import Shared

@testable import Admission

/// A node with a registry, real maps in a pin directory of its own, and no programs.
final class Node: @unchecked Sendable {
  private let directory: TemporaryDirectory
  private let pins = "/sys/fs/bpf/holdfast-test-\(UUID().uuidString)"
  private let sizes: MapSizes
  private var containers: [FakeContainer] = []
  // Nil between two mapds only: one at a time holds the pins.
  private(set) var gate: Gate!
  private(set) var registry: ContainerRegistry!

  static let object = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("bpf/gate.bpf.o").path

  static var cgroupRoot: String? {
    (try? ProcFS().ownMounts())?.first { $0.type == "cgroup2" && $0.root == "/" }?.mountPoint
  }

  static var canHoldMaps: Bool {
    let mounts = (try? ProcFS().ownMounts()) ?? []
    return geteuid() == 0 && cgroupRoot != nil && FileManager.default.fileExists(atPath: object)
      && mounts.contains { $0.type == "bpf" && $0.mountPoint == "/sys/fs/bpf" }
  }

  init(rules: Int = 64) throws {
    directory = try TemporaryDirectory()
    var sizes = MapSizes()
    (sizes.bindings, sizes.ruleSets, sizes.rules, sizes.reports, sizes.eventBytes) = (16, 16, rules, 16, 4096)
    self.sizes = sizes
    gate = try Self.gate(pins, sizes)
    registry = try Self.registry(gate, directory.path)
  }

  deinit {
    for one in containers { one.end() }
    try? FileManager.default.removeItem(atPath: pins)
  }

  /// As a mapd that was killed and started again.
  func restart() async throws {
    (registry, gate) = (nil, nil)
    gate = try Self.gate(pins, sizes)
    registry = try Self.registry(gate, directory.path)
    await registry.adopt()
  }

  /// - Parameter hasStarted: its init is in the container's root.
  func container(_ id: String, bundle: String? = nil, hasStarted: Bool = false) throws -> FakeContainer {
    let bundle = bundle ?? id
    try directory.write(
      "\(bundle)/config.json",
      """
      {"root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}]},
       "annotations": {"security.rancher.io/policy": "web", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.container.name": "app"}}
      """)
    try directory.directory("\(bundle)/rootfs")
    if hasStarted {
      try FileManager.default.copyItem(
        atPath: "/bin/busybox", toPath: "\(directory.path)/\(bundle)/rootfs/busybox")
    }
    let one = try FakeContainer(
      id: id, bundle: "\(directory.path)/\(bundle)", cgroupRoot: Self.cgroupRoot!, hasStarted: hasStarted)
    containers.append(one)
    return one
  }

  func hook(_ phase: Phase, _ container: FakeContainer) async -> HookAnswer {
    let request = HookRequest(
      phase: phase, status: phase == .createRuntime ? .created : phase == .poststart ? .running : .stopped,
      pid: phase == .poststop ? 0 : container.pid, id: Array(container.id.utf8),
      bundle: Array(container.bundle.utf8))
    return await registry.answer(request, caller: getpid())
  }

  func binding(of container: FakeContainer) -> UInt32 { gate.bindings.id(of: container.cgroup) ?? 0 }
  func ruleSet(of container: FakeContainer) -> UInt32 { gate.bindings.ruleSet(of: binding(of: container)) }

  static func policies(allowed: [String] = ["/bin/sh"]) -> PolicySet {
    let text = """
      apiVersion: security.rancher.io/v1alpha1
      kind: WorkloadPolicy
      metadata: {name: web, namespace: shop}
      spec:
        mode: protect
        rulesByContainer: {app: {executables: {allowed: [\(allowed.joined(separator: ", "))]}}}
      """
    return PolicySet(files: [PolicyFile(name: "web.yaml", content: .bytes(Array(text.utf8)))])
  }

  private static func gate(_ pins: String, _ sizes: MapSizes) throws -> Gate {
    try Gate(Gate.Options(object: object, pinRoot: pins, attach: .nothing, sizes: sizes))
  }

  private static func registry(_ gate: Gate, _ directory: String) throws -> ContainerRegistry {
    try ContainerRegistry(
      gate: gate, policies: policies(), proc: ProcFS(), recordDirectory: "\(directory)/records",
      executor: MultiThreadedEventLoopGroup.singleton.next().executor,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }
}

/// A process that is first in its pid namespace, with a mount namespace and a cgroup of its own.
final class FakeContainer: @unchecked Sendable {
  let id: String
  let bundle: String
  let cgroup: CgroupKey
  let pid: Int32
  private let directory: String
  private let process = Process()

  init(id: String, bundle: String, cgroupRoot: String, hasStarted: Bool = false) throws {
    self.id = id
    self.bundle = bundle
    directory = "\(cgroupRoot)/holdfast-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    var status = stat()
    stat(directory, &status)
    cgroup = CgroupKey(id: UInt64(status.st_ino))
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // The first child made after unshare is the namespace's init; $! is its pid out here.
    let program = hasStarted ? "chroot \(bundle)/rootfs /busybox sleep 600" : "sleep 600"
    process.arguments = [
      "-c",
      "echo $$ >\(directory)/cgroup.procs && exec unshare --mount --pid sh -c '\(program) & echo $!; wait'",
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    pid = Int32(line.split(separator: "\n").first ?? "") ?? 0
    while hasStarted, access("/proc/\(pid)/root/busybox", F_OK) != 0, process.isRunning { usleep(10_000) }
  }

  /// Killed, its cgroup removed.
  func end() {
    guard process.isRunning else { return }
    // The shell too: started with SIGCHLD blocked, it does not hear of its child's end.
    for one in [pid, process.processIdentifier] { kill(one, SIGKILL) }
    process.waitUntilExit()
    while rmdir(directory) != 0, errno == EBUSY { usleep(10_000) }
  }
}

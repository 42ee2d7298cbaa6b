// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Foundation

@testable import mapctl

/// A control socket that answers one connection with given bytes, and remembers the request.
final class FakeMapd: @unchecked Sendable {
  let path: String
  private let listener: Int32
  private let served = DispatchSemaphore(value: 0)
  // Written before `served` is signalled, read after it was waited for.
  private var request: [UInt8] = []

  /// - Parameter staysOpen: do not close after the answer, until the client does.
  init(_ answer: [UInt8], staysOpen: Bool = false) throws {
    let directory = NSTemporaryDirectory() + "mapctl-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    path = directory + "/c.sock"
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    precondition(bound == 0 && listen(listener, 1) == 0)
    Thread.detachNewThread { [self] in serve(answer, staysOpen: staysOpen) }
  }

  convenience init(_ responses: [ControlResponse]) throws {
    try self.init(try responses.flatMap { try ControlCoding.line($0) })
  }

  deinit {
    close(listener)
    try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
  }

  private func serve(_ answer: [UInt8], staysOpen: Bool) {
    let client = accept(listener, nil, nil)
    defer {
      close(client)
      served.signal()
    }
    var byte: UInt8 = 0
    while read(client, &byte, 1) == 1, byte != UInt8(ascii: "\n") { request.append(byte) }
    var sent = 0
    while sent < answer.count {
      let count = answer[sent...].withUnsafeBytes {
        send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      sent += count
    }
    if staysOpen { while read(client, &byte, 1) > 0 {} }
  }

  /// What the client asked for. Waits for the connection to end.
  func received() throws -> ControlRequest {
    served.wait()
    defer { served.signal() }
    return try ControlCoding.value(ControlRequest.self, from: request)
  }
}

struct Result {
  var status: ExitStatus
  var output: String
  var errors: String
}

/// Runs mapctl in this process, with its output in files.
func mapctl(_ arguments: String..., environment: [String: String] = [:], input: Int32? = nil) throws -> Result {
  try mapctl(arguments, environment: environment, input: input)
}

func mapctl(_ arguments: [String], environment: [String: String] = [:], input: Int32? = nil) throws -> Result {
  signal(SIGPIPE, SIG_IGN)
  let (output, errors) = (tmpfile()!, tmpfile()!)
  defer {
    fclose(output)
    fclose(errors)
  }
  let status = run(
    arguments: arguments,
    in: Context(
      environment: Environment(variables: environment), output: Output(fileno(output)),
      errors: Output(fileno(errors)), input: input))
  func content(_ file: UnsafeMutablePointer<FILE>) throws -> String {
    let handle = FileHandle(fileDescriptor: fileno(file), closeOnDealloc: false)
    try handle.seek(toOffset: 0)
    return String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
  }
  return Result(status: status, output: try content(output), errors: try content(errors))
}

extension StatusReport {
  static let good = StatusReport(
    version: "0.1.0", kernelRelease: "6.1.0-31-amd64", gateAttached: true, attachPoint: "lsm",
    layout: 1, pid: 4711,
    started: "2026-11-21T09:00:00.000000000Z", adopted: true, lsmList: ["lockdown", "bpf"],
    bpffsPath: "/sys/fs/bpf/holdfast/v1", bindings: .init(used: 3, maximum: 16384),
    ruleSets: .init(used: 2, maximum: 65536),
    rules: .init(used: 61000, maximum: 65536),
    counters: ["allowed": 10, "refused": 3, "off": 0, "reason.notListed": 3],
    policyProblems: 0, eventsLost: 0)
}

extension ContainerReport {
  static let nginx = ContainerReport(
    id: "0123456789abcdef0123456789abcdef", name: "nginx", pod: "web-0", namespace: "shop",
    pid: 812,
    cgroupPath: "/kubepods/pod1/x", cgroupID: 4242, policies: ["shop/web"], mode: "protect",
    ruleSetID: 1, generation: 2,
    rulesCount: 12, attach: "lsm", boundSince: "2026-11-21T09:00:00.5Z", sealed: true,
    state: "running",
    resolvedLinks: [.init(listed: "/bin/sh", resolved: "/usr/bin/dash")])
}

extension PolicyReport {
  static let web = PolicyReport(
    namespace: "shop", name: "web", mode: "protect", state: .inForce, file: "web.yaml",
    containers: [.init(name: "nginx", rulesCount: 12)], boundContainersCount: 1)
  static let bad = PolicyReport(
    namespace: nil, name: nil, mode: nil, state: .refused, file: "bad.yaml",
    problems: [
      .init(
        file: "bad.yaml", line: 3, column: 9, field: "spec.mode", message: "is empty; write one")
    ])
}

extension ViolationEvent {
  static func of(_ executable: String, verdict: String = "refuse") -> ViolationEvent {
    ViolationEvent(
      time: "2026-11-21T09:00:00.123456789Z", policy: ["shop/web"], containerID: "0123",
      container: "nginx", pod: "web-0",
      namespace: "shop", executable: executable, pid: 12, ppid: 1, uid: 33, comm: "sh",
      mode: "protect", verdict: verdict,
      reason: "notListed", attach: "lsm", count: 2, generation: 1, interpreter: false)
  }
}

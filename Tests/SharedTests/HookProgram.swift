// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// Runs the built oci-hook as a runtime does.
enum HookProgram {
  enum Input {
    case bytes([UInt8])
    /// Sends the bytes and keeps the pipe open.
    case unfinished([UInt8])
    case closed
  }

  struct Ending {
    /// nil when a signal ended it.
    var code: Int32?
    var stderr: String
    var seconds: Double
    /// Whether a process of the hook's group outlived it.
    var leftBehind: Bool
    /// Bytes of the state that went into the pipe, read or not.
    var sent: Int
  }

  /// The hook of the same build as these tests, or the one in HOLDFAST_OCI_HOOK.
  static let path: String = {
    if let path = ProcessInfo.processInfo.environment["HOLDFAST_OCI_HOOK"] { return path }
    let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: tests ?? "").deletingLastPathComponent()
      .appendingPathComponent("oci-hook").path
  }()

  /// `stderrIsFull`: stderr is a pipe that no one reads and that holds no more.
  /// `signalsBlocked`: as inherited from a runtime that blocks all signals.
  static func run(
    _ arguments: [String], input: Input, stderrIsFull: Bool = false, signalsBlocked: Bool = false
  ) throws -> Ending {
    try #require(access(path, X_OK) == 0, "build oci-hook first: \(path)")
    let input = try Pipe(feeding: input)
    defer { input.close() }
    let stderr = Pipe()
    defer { stderr.close() }
    if stderrIsFull { stderr.fill() }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if input.reader >= 0 {
      posix_spawn_file_actions_adddup2(&actions, input.reader, 0)
    } else {
      posix_spawn_file_actions_addclose(&actions, 0)
    }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, stderr.writer, 2)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var flags = POSIX_SPAWN_SETPGROUP
    if signalsBlocked {
      var all = sigset_t()
      sigfillset(&all)
      posix_spawnattr_setsigmask(&attributes, &all)
      flags |= POSIX_SPAWN_SETSIGMASK
    }
    posix_spawnattr_setflags(&attributes, Int16(flags))

    // Tests do not write to the machine's log and spool.
    var quiet = arguments.contains("--log") ? [] : ["--log", "/tmp/hf-no-such-log"]
    if !arguments.contains("--spool") { quiet += ["--spool", "/dev/null"] }
    let argv: [UnsafeMutablePointer<CChar>?] =
      (["oci-hook"] + quiet + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    var pid: pid_t = 0
    let start = ContinuousClock.now
    try #require(posix_spawn(&pid, path, &actions, &attributes, argv, &environment) == 0)
    input.closeReader()
    let sent = input.send()
    var status: Int32 = 0
    // A hook that its time limit fails to end must fail the test, not hold it.
    while waitpid(pid, &status, WNOHANG) == 0 {
      if ContinuousClock.now - start > .seconds(15) { kill(pid, SIGKILL) }
      usleep(500)
    }
    let elapsed = ContinuousClock.now - start
    let leftBehind = kill(-pid, 0) == 0
    return Ending(
      code: status & 0x7f == 0 ? status >> 8 & 0xff : nil,
      stderr: stderrIsFull ? "" : stderr.drain(), seconds: elapsed / .seconds(1),
      leftBehind: leftBehind, sent: sent)
  }

  static func run(_ arguments: [String], state: String) throws -> Ending {
    try run(arguments, input: .bytes(.init(state)))
  }
}

/// A pipe whose ends the hook does not inherit beyond its own three.
private final class Pipe {
  private(set) var reader: Int32 = -1
  private(set) var writer: Int32 = -1
  private var pending: [UInt8] = []
  private var staysOpen = false

  init() {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reader, writer) = (ends[0], ends[1])
  }

  convenience init(feeding input: HookProgram.Input) throws {
    self.init()
    switch input {
    case .bytes(let bytes): pending = bytes
    case .unfinished(let bytes):
      pending = bytes
      staysOpen = true
    case .closed: close()
    }
  }

  /// Writes what fits until the reader is gone; EPIPE is the hook's good right.
  func send() -> Int {
    signal(SIGPIPE, SIG_IGN)
    var sent = 0
    while sent < pending.count {
      let count = pending.withUnsafeBytes { write(writer, $0.baseAddress! + sent, $0.count - sent) }
      guard count > 0 else { break }
      sent += count
    }
    if !staysOpen, writer >= 0 {
      Glibc.close(writer)
      writer = -1
    }
    return sent
  }

  func fill() {
    _ = fcntl(writer, F_SETFL, O_NONBLOCK)
    let page = [UInt8](repeating: 0x2e, count: 4096)
    while write(writer, page, page.count) > 0 {}
    _ = fcntl(writer, F_SETFL, 0)
  }

  func drain() -> String {
    Glibc.close(writer)
    writer = -1
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 8192)
    while case let count = read(reader, &chunk, chunk.count), count > 0 { text += chunk[..<count] }
    return String(decoding: text, as: UTF8.self)
  }

  func closeReader() {
    if reader >= 0 { Glibc.close(reader) }
    reader = -1
  }

  func close() {
    closeReader()
    if writer >= 0 { Glibc.close(writer) }
    writer = -1
  }
}

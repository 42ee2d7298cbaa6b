// SPDX-License-Identifier: Apache-2.0

import CPosix

/// A hook configuration that cannot be meant: exit 1 (deny), so that it shows with the
/// first container and not on the day mapd is down.
struct UsageError: Error {
  let text: StaticString
  var argument: [UInt8] = []
}

/// `oci-hook [options] createRuntime|poststart|poststop`; see hooks.d/README.md. What the
/// configuration file says comes first; options of the command line change it or add to it.
struct Options {
  var phase: Phase = .createRuntime
  var socket: [UInt8] = bytes("/run/holdfast/hook.sock")
  /// Where lines go that the runtime would not show.
  var systemLog: [UInt8] = bytes("/dev/log")
  /// Where mapd learns later of what was decided without it. nil: beside the socket.
  var spool: [UInt8]?
  /// For everything: reading the state, connecting, waiting for the answer.
  var timeoutMilliseconds = Options.timeoutDefault
  var failPolicy = FailPolicy()

  static let timeoutDefault: Int32 = 2000
  /// The longest `--timeout`. Runtimes give hooks tens of seconds at most.
  static let timeoutMax = 60_000

  static var standardConfiguration: [UInt8] { bytes("/etc/holdfast/hook.json") }

  init(arguments: [[UInt8]]) throws(UsageError) {
    try readConfiguration(arguments)
    var phase: Phase?
    var index = 0
    while index < arguments.count {
      let argument = arguments[index]
      index += 1
      guard argument.starts(with: bytes("--")) else {
        guard phase == nil, let known = Self.phase(argument) else {
          throw UsageError(text: "unexpected argument ", argument: argument)
        }
        phase = known
        continue
      }
      guard index < arguments.count else {
        throw UsageError(text: "no value or unknown option ", argument: argument)
      }
      try set(argument, arguments[index])
      index += 1
    }
    guard let phase else {
      throw UsageError(text: "usage: oci-hook [options] createRuntime|poststart|poststop")
    }
    self.phase = phase
  }

  /// The file must be read before the other options, wherever it is named among them.
  private mutating func readConfiguration(_ arguments: [[UInt8]]) throws(UsageError) {
    var named: [UInt8]?
    var index = 0
    while index + 1 < arguments.count {
      if arguments[index] == bytes("--config") { named = arguments[index + 1] }
      index += arguments[index].starts(with: bytes("--")) ? 2 : 1
    }
    guard let json = try configurationText(named) else { return }
    for setting in try settings(json) { try set(setting.option, setting.value) }
  }

  private mutating func set(_ option: [UInt8], _ value: [UInt8]) throws(UsageError) {
    guard !value.isEmpty else { throw UsageError(text: "empty value of ", argument: option) }
    if option == bytes("--config") {
      // read already
    } else if option == bytes("--spool") {
      guard value[0] == UInt8(ascii: "/") else {
        throw UsageError(text: "the spool is not an absolute path: ", argument: value)
      }
      spool = value
    } else if option == bytes("--socket") {
      socket = try Self.socketPath(value)
    } else if option == bytes("--log") {
      systemLog = try Self.socketPath(value)
    } else if option == bytes("--timeout") {
      guard let milliseconds = Self.milliseconds(value) else {
        throw UsageError(text: "timeout is not 1 to 60000 ms: ", argument: value)
      }
      timeoutMilliseconds = milliseconds
    } else if option == bytes("--fail") {
      if value == bytes("open") {
        failPolicy.standard = .open
      } else if value == bytes("closed") {
        failPolicy.standard = .closed
      } else {
        throw UsageError(text: "--fail is open or closed, not ", argument: value)
      }
    } else if option == bytes("--fail-closed-annotation") {
      let parts = value.split(
        separator: UInt8(ascii: "="), maxSplits: 1,
        omittingEmptySubsequences: false)
      guard !parts[0].isEmpty else {
        throw UsageError(text: "no annotation key in ", argument: value)
      }
      failPolicy.closedAnnotations.append(
        FailPolicy.AnnotationRule(
          key: Array(parts[0]), value: parts.count == 2 ? Array(parts[1]) : nil))
    } else if option == bytes("--fail-closed-namespace") {
      failPolicy.closedNamespaces.append(value)
    } else if option == bytes("--exempt-namespace") {
      failPolicy.exemptNamespaces.append(value)
    } else {
      throw UsageError(text: "unknown option ", argument: option)
    }
  }

  private static func phase(_ name: [UInt8]) -> Phase? {
    let all: [Phase] = [.createRuntime, .poststart, .poststop]
    return all.first { bytes($0.name) == name }
  }

  private static func socketPath(_ path: [UInt8]) throws(UsageError) -> [UInt8] {
    guard path.count < unixPathBytesMax else {
      throw UsageError(text: "socket path too long: ", argument: path)
    }
    return path
  }

  private static func milliseconds(_ digits: [UInt8]) -> Int32? {
    guard digits.count <= 5 else { return nil }
    var value = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return (1...timeoutMax).contains(value) ? Int32(value) : nil
  }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What scripts can rely on. Listed in `mapctl --help`.
enum ExitStatus: Int32 {
  case success = 0
  /// The answer holds something an operator has to look at.
  /// Or it asked the operator, who said no.
  case finding = 1
  case usage = 2
  case unreachable = 3
  /// mapd answered an error, or something that is no answer; or the kernel refused.
  case refused = 4
}

/// Why mapctl could not do what was asked: what failed, on what, why, and what to do.
struct Failure: Error {
  var status: ExitStatus
  var message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }
}

/// What a command may touch: tests hand it files and pipes of their own.
struct Context {
  var environment: Environment
  var output: Output
  var errors: Output
  /// Where an operator answers; nil: there is nobody to ask.
  var input: Int32?
}

extension Context {
  /// - Returns: a line, without its end; nil when there is nobody to ask.
  func ask(_ question: String) throws -> String? {
    guard let input else { return nil }
    try output.write(question)
    var answer: [UInt8] = []
    var byte: UInt8 = 0
    while answer.count < 64, read(input, &byte, 1) == 1, byte != UInt8(ascii: "\n") { answer.append(byte) }
    return String(decoding: answer, as: UTF8.self)
  }
}

/// A command that does something, other than showing help.
protocol Action: ParsableCommand {
  /// - Throws: `Failure`, or `Output.Closed` when nobody reads the output any more.
  func perform(in context: Context) throws -> ExitStatus
}

/// mapctl from its arguments to its exit status. Each error is printed once, here.
func run(arguments: [String], in context: Context) -> ExitStatus {
  do {
    let command = try Mapctl.parseAsRoot(arguments)
    guard let action = command as? any Action else {
      guard command is Mapctl else {
        var command = command
        try command.run()
        return .success
      }
      try context.errors.write(Mapctl.helpMessage() + "\n")
      return .usage
    }
    return try action.perform(in: context)
  } catch let failure as Failure {
    try? context.errors.write("mapctl: \(failure.message)\n")
    return failure.status
  } catch is Output.Closed {
    return .success
  } catch {
    let message = Mapctl.fullMessage(for: error)
    guard Mapctl.exitCode(for: error) == .success else {
      try? context.errors.write(message + "\n")
      return .usage
    }
    try? context.output.write(message + "\n")
    return .success
  }
}

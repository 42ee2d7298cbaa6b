// SPDX-License-Identifier: Apache-2.0

import CPosix

/// The whole life of the hook; returns the exit code.
func run() -> Int32 {
  let arguments = arguments()
  if let code = selfReport(arguments) { return code }
  let options: Options
  do { options = try Options(arguments: arguments) } catch {
    armBackstop(afterMilliseconds: Options.timeoutDefault)
    // Not before the runtime has written its state: crun may take a pipe that breaks for a
    // hook that ended well.
    _ = try? readState(until: Deadline(afterMilliseconds: Options.timeoutDefault))
    return end(1, misconfigured(error))
  }
  let deadline = Deadline(afterMilliseconds: options.timeoutMilliseconds)
  armBackstop(afterMilliseconds: options.timeoutMilliseconds)

  let state: ContainerState
  do { state = try readContainerState(options, deadline) } catch { return end(1, error.line) }

  let decision = options.failPolicy.decide(
    phase: options.phase, annotations: state.annotations)
  setBackstopExit(decision == .closed ? 1 : 0)

  let request = HookRequest(
    phase: options.phase, status: state.status, pid: state.pid, id: state.id,
    bundle: state.bundle, startTicks: state.pid > 0 ? startTicks(of: state.pid) : 0)
  do {
    let answer = try MapdClient(path: options.socket, deadline: deadline).ask(request)
    guard answer.outcome == .refused else { return 0 }
    return end(1, refusal(options.phase, state, answer))
  } catch {
    let line = undecided(options, state, error, decision)
    guard decision == .open else { return end(1, line) }
    spool(options, request, line)
    return end(0, line, systemLog: options.systemLog)
  }
}

/// The state is unusable. Never open, whatever the fail policy says.
private struct StateFailure: Error {
  let line: Line
}

private func readContainerState(_ options: Options, _ deadline: Deadline)
  throws(StateFailure) -> ContainerState
{
  let json: [UInt8]
  do { json = try readState(until: deadline) } catch {
    throw StateFailure(line: unreadable(options, error))
  }
  do {
    return try ContainerState(
      json: json, phase: options.phase, wantedAnnotations: options.failPolicy.annotationKeys)
  } catch {
    throw StateFailure(line: unusable(options.phase, error, json.count))
  }
}

/// The code is fixed before the line is written: a blocked stderr cannot change it.
private func end(_ code: Int32, _ line: Line, systemLog: [UInt8]? = nil) -> Int32 {
  setBackstopExit(code)
  if let systemLog { sendToSystemLog(line.text, socketPath: systemLog) }
  line.write()
  return code
}

private func arguments() -> [[UInt8]] {
  var arguments: [[UInt8]] = []
  var index: Int32 = 1
  while let argument = posix_argument(index) {
    arguments.append(Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument))))
    index += 1
  }
  return arguments
}

// SPDX-License-Identifier: Apache-2.0

// The lines of the hook, one function for each way to end other than a silent exit 0.

func misconfigured(_ error: UsageError) -> Line {
  var line = Line()
  line.add(error.text)
  line.add(escaping: error.argument)
  return line
}

func unreadable(_ options: Options, _ error: InputError) -> Line {
  var line = Line(options.phase)
  switch error {
  case .timedOut:
    line.add("state incomplete after ")
    line.add(decimal: Int(options.timeoutMilliseconds))
    line.add(" ms")
  case .unreadable(let number):
    line.add("state cannot be read: ")
    line.add(error: number)
  }
  return line
}

func unusable(_ phase: Phase, _ error: StateError, _ stateBytes: Int) -> Line {
  var line = Line(phase)
  line.add(error.text)
  if let detail = error.detail {
    line.add(": ")
    line.add(detail)
  }
  if case .malformed(let offset) = error {
    line.add(", byte ")
    line.add(decimal: offset)
    line.add(" of ")
    line.add(decimal: stateBytes)
  }
  return line
}

func refusal(_ phase: Phase, _ state: ContainerState, _ answer: HookAnswer) -> Line {
  var line = Line(phase)
  line.add("container ")
  line.add(escaping: state.id, limit: 128)
  line.add(" refused by mapd: ")
  if answer.reason.isEmpty {
    line.add("no reason given")
  } else {
    line.add(escaping: answer.reason)
  }
  return line
}

/// What the fail policy made of mapd's silence.
func undecided(
  _ options: Options, _ state: ContainerState, _ failure: MapdFailure,
  _ decision: FailPolicy.Decision
) -> Line {
  var line = Line(options.phase)
  line.add("container ")
  line.add(escaping: state.id, limit: 128)
  switch (options.phase, decision) {
  case (.createRuntime, .closed): line.add(" not started (fail policy closed)")
  case (.createRuntime, .open): line.add(" starts WITHOUT PROTECTION (fail policy open)")
  case (.poststart, _): line.add(" not confirmed")
  case (.poststop, _): line.add(" not reported as stopped")
  }
  line.add(": mapd at ")
  line.add(escaping: options.socket)
  switch failure {
  case .unreachable(let number):
    line.add(" cannot be reached: ")
    line.add(error: number)
  case .timedOut:
    line.add(" did not answer within ")
    line.add(decimal: Int(options.timeoutMilliseconds))
    line.add(" ms")
  case .broken(let number):
    line.add(" broke off before its answer")
    if number != 0 {
      line.add(": ")
      line.add(error: number)
    }
  case .nonsense(let error):
    line.add(" answered nonsense: ")
    line.add(error.text)
  case .beside(let outcome):
    line.add(" answered beside the question: ")
    line.add(outcome.name)
  case .failed(let reason):
    line.add(" failed: ")
    line.add(escaping: reason)
  }
  return line
}

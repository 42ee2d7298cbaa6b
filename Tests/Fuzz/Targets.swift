// SPDX-License-Identifier: Apache-2.0

// What libFuzzer calls with each input. The first byte picks the parser, so that one run
// and one corpus serve all of them. A trap, a sanitizer report or a broken promise ends it.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let target = input.first else { return 0 }
  let rest = Array(input.dropFirst())
  switch target % 5 {
  case 0: fuzzState(rest, .createRuntime)
  case 1: fuzzState(rest, .poststart)
  case 2: fuzzState(rest, .poststop)
  case 3: fuzzRequest(rest)
  default: fuzzAnswer(rest)
  }
  return 0
}

/// Whatever is accepted must be fit to send to mapd, and arrive as it was.
private func fuzzState(_ json: [UInt8], _ phase: Phase) {
  let wanted = [bytes("io.kubernetes.pod.namespace"), bytes("a")]
  guard let state = try? ContainerState(json: json, phase: phase, wantedAnnotations: wanted) else {
    return
  }
  precondition(state.annotations.allSatisfy { wanted.contains($0.key) && !$0.value.contains(0) })
  let request = HookRequest(
    phase: phase, status: state.status, pid: state.pid, id: state.id, bundle: state.bundle)
  guard let frame = try? request.encode(), let read = try? HookRequest(decoding: frame) else {
    preconditionFailure("an accepted state makes no request")
  }
  precondition(read == request)
}

/// A decoded request, encoded again, is the same request.
private func fuzzRequest(_ frame: [UInt8]) {
  checkFraming(frame, .request)
  guard let request = try? HookRequest(decoding: frame) else { return }
  guard let again = try? request.encode(), let read = try? HookRequest(decoding: again) else {
    preconditionFailure("a decoded request cannot be encoded")
  }
  precondition(read == request && again.count == frame.count)
}

private func fuzzAnswer(_ frame: [UInt8]) {
  checkFraming(frame, .answer)
  guard let answer = try? HookAnswer(decoding: frame) else { return }
  guard let read = try? HookAnswer(decoding: answer.encode()) else {
    preconditionFailure("a decoded answer cannot be encoded")
  }
  precondition(read == answer)
}

/// A reader is never asked for more than the longest frame.
private func checkFraming(_ received: [UInt8], _ kind: FrameKind) {
  guard let missing = try? Frame.bytesMissing(in: received, kind: kind) else { return }
  precondition(missing >= 0 && received.count + missing <= Frame.bytesMax)
}

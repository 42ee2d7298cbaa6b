// SPDX-License-Identifier: Apache-2.0

import CYajl

#if !ONE_MODULE
  // The hook compiles Shared and this folder into its one module: an embedded
  // executable cannot import an ordinary module.
  import Shared
#endif

extension ContainerState {
  /// Reads the state that a runtime passed to the hook of `phase`. Of the annotations
  /// it keeps those named in `wantedAnnotations`, in the order of the state.
  public init(json: [UInt8], phase: Phase, wantedAnnotations: [[UInt8]] = []) throws(StateError) {
    guard json.count <= StateLimits.bytesMax else { throw .tooLarge }
    var collector = StateCollector(wantedAnnotations: wantedAnnotations)
    if let error = walk(json, into: &collector) { throw error }
    guard let ociVersion = collector.ociVersion else { throw .missing(.ociVersion) }
    guard let id = collector.id else { throw .missing(.id) }
    guard let status = collector.status else { throw .missing(.status) }
    guard let bundle = collector.bundle else { throw .missing(.bundle) }
    guard phase.allows(status) else { throw .unexpectedStatus(status) }
    let pid = collector.pid ?? 0
    if pid == 0, phase.requiresPid(status) {
      throw collector.pid == nil ? .missing(.pid) : .invalid(.pid)
    }
    self.init(
      ociVersion: ociVersion, id: id, status: status, pid: pid, bundle: bundle,
      annotations: collector.annotations)
  }
}

/// Runs yajl over the whole text. yajl checks UTF-8, refuses comments, a second value
/// and trailing bytes unless told otherwise; it keeps nesting on its heap, not the stack.
private func walk(_ json: [UInt8], into collector: inout StateCollector) -> StateError? {
  guard json.contains(where: { !isSpace($0) }) else { return .empty }
  var callbacks = stateCallbacks()
  // yajl keeps both pointers until it is freed.
  return withUnsafePointer(to: &callbacks) { callbacks -> StateError? in
    withUnsafeMutablePointer(to: &collector) { context -> StateError? in
      guard let parser = yajl_alloc(callbacks, nil, context) else { return .noMemory }
      defer { yajl_free(parser) }
      var outcome = json.withUnsafeBufferPointer { text in
        yajl_parse(parser, text.baseAddress, text.count)
      }
      if outcome == yajl_status_ok { outcome = yajl_complete_parse(parser) }
      guard outcome != yajl_status_ok else { return nil }
      return context.pointee.error ?? .malformed(offset: yajl_get_bytes_consumed(parser))
    }
  }
}

private func isSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || (0x09...0x0d).contains(byte)
}

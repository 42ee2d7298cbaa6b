// SPDX-License-Identifier: Apache-2.0

import CPosix

/// `oci-hook --version` and `oci-hook --check [options]`, which a runtime never says: for
/// `mapctl doctor`, which must know what this very program makes of its configuration.
/// - Returns: the exit code; nil when the arguments are those of a hook.
func selfReport(_ arguments: [[UInt8]]) -> Int32? {
  if arguments == [bytes("--version")] {
    var line = Line(bare: "oci-hook ")
    line.add(Release.version)
    line.add(" protocol ")
    line.add(decimal: Int(Frame.version))
    line.add("\n")
    let text = line.text
    return text.withUnsafeBytes { write(1, $0.baseAddress, $0.count) } == text.count ? 0 : 1
  }
  guard arguments.first == bytes("--check") else { return nil }
  do {
    _ = try Options(arguments: Array(arguments.dropFirst()) + [bytes("createRuntime")])
    return 0
  } catch {
    misconfigured(error).write()
    return 1
  }
}

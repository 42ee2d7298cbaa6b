// SPDX-License-Identifier: Apache-2.0

/// What hook and mapd agree on of the spool's file.
public enum SpoolFile {
  /// It is not written beyond this: the system log has the lines that follow.
  public static let bytesMax = 262_144
}

#if !ONE_MODULE
  /// One line of the spool: a container for which the hook decided without mapd, and went open.
  ///
  /// `1 TAB seconds TAB phase TAB id TAB message LF`. Id and message are escaped to printable
  /// ASCII by the hook, so that no tab or line feed of theirs can forge a field or a line.
  public struct SpoolEntry: Sendable, Equatable {
    /// Seconds since 1970.
    public var time: Int64
    public var phase: Phase
    public var id: String
    public var message: String

    /// nil: not a line of this version.
    public init?(line: Substring) {
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
      let phases: [Phase] = [.createRuntime, .poststart, .poststop]
      guard parts.count == 5, parts[0] == "1", let time = Int64(parts[1]),
        let phase = phases.first(where: { "\($0.name)" == parts[2] }), !parts[3].isEmpty
      else { return nil }
      self.time = time
      self.phase = phase
      id = String(parts[3])
      message = String(parts[4])
    }
  }
#endif

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Policy

/// A port of a loopback interface: reached from this node only.
public struct LoopbackAddress: Hashable, Sendable {
  /// In numbers: 127.0.0.0/8 or ::1.
  public var host: String
  public var port: Int

  /// `127.0.0.1:9464` or `[::1]:9464`, or nil with a problem.
  init?(_ field: Field) {
    guard let text = field.text() else { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let port = parts.last.flatMap { Int($0) } ?? 0
    var host = parts.dropLast().joined(separator: ":")
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard (1...65535).contains(port), Self.isLoopback(host) else {
      field.problem(
        "must be a loopback address and a port, as 127.0.0.1:9464 or \"[::1]:9464\"; for other nodes put a proxy before it"
      )
      return nil
    }
    (self.host, self.port) = (host, port)
  }

  private static func isLoopback(_ host: String) -> Bool {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
    guard inet_pton(AF_INET6, host, &six) == 1 else { return false }
    return withUnsafeBytes(of: six) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
  }
}

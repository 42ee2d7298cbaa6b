// SPDX-License-Identifier: Apache-2.0

import Foundation

enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  static let runtimes = [
    "containerd16-cri", "containerd17-cri", "containerd21-cri", "crio137-runc115", "crun181-v2",
    "podman431-c181", "podman431-runc115", "runc115-hyb",
  ]

  static func state(_ runtime: String, _ phase: String) throws -> [UInt8] {
    let file = folder.appendingPathComponent("oci-state/\(runtime)/state.\(phase).json")
    return Array(try Data(contentsOf: file))
  }

  /// The lines of a vector file, each as its three byte strings.
  static func vectors(_ name: String) throws -> [[[UInt8]]] {
    let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .ascii)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      line.split(separator: " ").map { hexadecimal(String($0)) }
    }
  }

  static func hexadecimal(_ digits: String) -> [UInt8] {
    let nibbles = digits.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16)! }
    return stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
  }
}

extension [UInt8] {
  init(_ text: String) { self = Array(text.utf8) }
  var text: String { String(decoding: self, as: UTF8.self) }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Admission

/// A directory of its own for each test, gone with it.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "holdfast-admission-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String = "\u{7f}ELF") throws {
    let file = "\(path)/\(name)"
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
  }

  func directory(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createDirectory(
      atPath: ("\(path)/\(name)" as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
  }
}

enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures").path
}

enum Bundles {
  static let folder = Fixtures.folder + "/oci-state"

  static let all = [
    "containerd16-cri", "containerd17-cri", "containerd21-cri", "crio137-runc115", "crun181-v2", "podman431-c181",
    "podman431-runc115", "runc115-hyb",
  ]

  static func config(_ name: String) throws -> BundleConfig { try .read(bundle: "\(folder)/\(name)") }
}

/// What `body` is refused with.
func refusal(_ body: () throws -> Void) -> AdmissionError? {
  do { try body() } catch { return error as? AdmissionError }
  return nil
}

extension ProcFS {
  static func parseCgroups(_ text: String) -> [CgroupLine] { parseCgroups(Array(text.utf8)) }
  static func parseMounts(_ text: String) -> [MountLine] { parseMounts(Array(text.utf8)) }
  static func parseMount(_ text: String, at path: String) -> MountLine? { parseMount(Array(text.utf8), at: path) }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Enforcement

@Suite struct KernelReleaseTests {
  @Test(arguments: [
    ("6.1.0-56-amd64", false), ("5.10.0-1-cloud", false), ("6.2.0", true), ("6.2-rc1", true), ("6.18.44", true),
    ("7.0", true), ("10.1.2+deb", true), ("6", false), ("", false), ("mainline", false),
  ])
  func isComparedByNumbers(_ release: String, _ expected: Bool) {
    let kernel = KernelFeatures(release: release, hasBTF: true, lsmList: [])
    #expect(kernel.isAtLeast(GateFiles.plainLoadsSince) == expected)
  }
}

private let built = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("bpf/gate.bpf.o").path

@Suite(.enabled(if: FileManager.default.fileExists(atPath: built), "needs bpf/gate.bpf.o (make build)"))
struct GateFilesTests {
  private func files(
    release: String, beside: (String) throws -> Void
  ) throws -> (GateFiles, configured: String, faster: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("gate.bpf.o").path
    let faster = folder.appendingPathComponent("gate-6.2.bpf.o").path
    try FileManager.default.copyItem(atPath: built, toPath: path)
    try beside(faster)
    let kernel = KernelFeatures(release: release, hasBTF: true, lsmList: [])
    return (try GateFiles(path: path, configured: GateObject(path: path), kernel: kernel), path, faster)
  }

  @Test func fasterOneIsTriedFirstWhereTheKernelMayTakeIt() throws {
    let copy = { (faster: String) in try FileManager.default.copyItem(atPath: built, toPath: faster) }
    let new = try files(release: "6.2.0", beside: copy)
    #expect(new.0.paths == [new.faster, new.configured])
    #expect(new.0.note == nil)
    let old = try files(release: "6.1.0", beside: copy)
    #expect(old.0.paths == [old.configured])
  }

  @Test func nothingIsSaidWhereThereIsNone() throws {
    let found = try files(release: "6.2.0") { _ in }
    #expect(found.0.paths == [found.configured])
    #expect(found.0.note == nil)
  }

  @Test func oneThatIsNoGateIsNotUsed() throws {
    let found = try files(release: "6.2.0") { try Data("no object".utf8).write(to: URL(fileURLWithPath: $0)) }
    #expect(found.0.paths == [found.configured])
    #expect(found.0.note?.contains(found.faster) == true)
  }

  @Test func objectOfAnotherNameHasNone() {
    #expect(GateFiles.faster(than: "/x/gate.o") == nil)
    #expect(GateFiles.faster(than: "/x/gate-v2.bpf.o") == "/x/gate-v2-6.2.bpf.o")
  }
}

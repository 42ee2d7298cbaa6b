// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import mapctl

@Suite struct UninstallTests {
  static let report = UninstallReport(
    pinDirectory: "/sys/fs/bpf/holdfast", wasAttached: ["gate_lsm"],
    containers: [
      .init(
        id: "0123456789abcdef", name: "nginx\u{1b}[2J", pod: "web-0", namespace: "shop", mode: "protect",
        policies: ["shop/web"])
    ], unknownContainersCount: 2)

  @Test func whereNothingIsPinnedThereIsNothingToDo() throws {
    let result = try mapctl("uninstall", "--yes", "--bpffs", "/nowhere/holdfast")
    #expect(result.status == .success)
    #expect(result.output.contains("nothing is pinned in /nowhere/holdfast"))
  }

  @Test func aDirectoryThatIsNotOnABPFFilesystemIsLeftAlone() throws {
    let directory = NSTemporaryDirectory() + "uninstall-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory + "/v1", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try Data("mine".utf8).write(to: URL(fileURLWithPath: directory + "/v1/link_gate_lsm"))
    let result = try mapctl("uninstall", "--yes", "--bpffs", directory)
    #expect(result.status == .refused)
    #expect(result.errors.contains("not on a bpf filesystem"))
    #expect(FileManager.default.fileExists(atPath: directory + "/v1/link_gate_lsm"))
  }

  @Test func itSaysWhoLosesProtectionBeforeItAsks() {
    let text = UninstallText.loss(Self.report, for: Style())
    for words in ["gate_lsm", "will no longer be protected", "web-0", "protect", "shop/web", "2 more"] {
      #expect(text.contains(words))
    }
    #expect(!text.unicodeScalars.contains("\u{1b}"))
  }

  @Test func whoWasNotAskedIsToldAfterwards() {
    let told = UninstallText.done(Self.report, asked: false)
    #expect(told.contains("no longer protected: shop/web-0/nginx\\u{1b}[2J (protect"))
    #expect(!UninstallText.done(Self.report, asked: true).contains("shop/nginx"))
    for asked in [true, false] {
      #expect(UninstallText.done(Self.report, asked: asked).contains("no exec is judged any more"))
    }
  }

  @Test func pinsWithoutAProgramAreNotCalledAGate() {
    let left = UninstallReport(pinDirectory: "/p", wasAttached: [], containers: [], unknownContainersCount: 0)
    let text = UninstallText.loss(left, for: Style())
    #expect(text.contains("no program is attached") && text.contains("no container is bound"))
  }

  @Test func onlyAListeningSocketOfThatPathCounts() {
    let table = """
      Num       RefCount Protocol Flags    Type St Inode Path
      0000000000000000: 00000002 00000000 00010000 0001 01 20151 /run/holdfast/hook.sock
      0000000000000000: 00000003 00000000 00000000 0001 03 20152 /run/holdfast/control.sock
      0000000000000000: 00000002 00000000 00010000 0001 01 20153 /run/my folder/hook.sock
      0000000000000000: 00000003 00000000 00000000 0001 03 20154
      """
    #expect(UnixSocketTable.isListening("/run/holdfast/hook.sock", table: table))
    #expect(!UnixSocketTable.isListening("/run/holdfast/control.sock", table: table))
    #expect(UnixSocketTable.isListening("/run/my folder/hook.sock", table: table))
    #expect(!UnixSocketTable.isListening("/run/holdfast/other.sock", table: table))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Enforcement

/// What is noted must not be taken for something else: then an old gate would stay attached.
@Suite struct AttachedGateTests {
  private let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "/holdfast-attached-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  private func noted(_ file: String, boot: String = AttachedGate.thisBoot) throws -> AttachedGate {
    AttachedGate(
      boot: boot, file: try #require(AttachedGate.File(file)), choice: "best", lsmList: ["bpf"], attach: "lsm",
      refusals: [], programs: [:])
  }

  private func holds(_ note: AttachedGate, _ file: String, choice: String = "best", lsmList: [String] = ["bpf"]) -> Bool
  {
    note.holds(file: file, choice: choice, lsmList: lsmList, links: [], pins: Pins(root: folder, layout: 1))
  }

  @Test func anotherFileAtThePathIsAnotherOne() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = folder + "/gate.bpf.o"
    try Data("one".utf8).write(to: URL(fileURLWithPath: file))
    let note = try noted(file)
    #expect(holds(note, file))
    try Data("two".utf8).write(to: URL(fileURLWithPath: file + ".new"))
    #expect(rename(file + ".new", file) == 0 && !holds(note, file))
    let replaced = try noted(file)
    #expect(holds(replaced, file) && !holds(replaced, file + ".none"))
    #expect(truncate(file, 2) == 0 && !holds(replaced, file))
  }

  @Test func anotherBootChoiceOrLSMListIsNotTheSame() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = folder + "/gate.bpf.o"
    try Data("one".utf8).write(to: URL(fileURLWithPath: file))
    for boot in ["another", ""] { #expect(!holds(try noted(file, boot: boot), file)) }
    var other = try noted(file)
    #expect(holds(other, file))
    #expect(!holds(other, file, choice: "kill") && !holds(other, file, lsmList: ["bpf", "yama"]))
    other.programs = ["/pin": 7]
    #expect(!holds(other, file))
  }

  @Test func aNoteIsForRootAloneAndABadOneIsNone() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let place = folder + "/gate.json"
    let note = try noted("/proc/self/exe")
    note.write(place)
    #expect(AttachedGate.read(place) == note)
    var status = stat()
    #expect(stat(place, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(AttachedGate.read(place + ".none") == nil)
    try Data("{\"boot\":".utf8).write(to: URL(fileURLWithPath: place))
    #expect(AttachedGate.read(place) == nil)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Admission

/// A container's files are looked up once, at its start.
@Suite struct PathLookupTests {
  @Test func aLinkMadeByTheWorkloadLaterDoesNotWidenItsRules() throws {
    let root = try TemporaryDirectory()
    let files = FileManager.default
    try files.createDirectory(atPath: root.path + "/usr/bin", withIntermediateDirectories: true)
    for name in ["psql", "nc"] { try root.write("usr/bin/" + name, "x") }
    try files.createSymbolicLink(atPath: root.path + "/usr/bin/sql", withDestinationPath: "psql")

    let recording = RecordingLookup(try RootFilesystem(root.path))
    #expect(recording.resolve("/usr/bin/sql")?.path == "/usr/bin/psql")
    let record = recording.record

    try files.removeItem(atPath: root.path + "/usr/bin/sql")
    try files.createSymbolicLink(atPath: root.path + "/usr/bin/sql", withDestinationPath: "nc")
    try files.createSymbolicLink(atPath: root.path + "/usr/bin/late", withDestinationPath: "nc")
    #expect(record.resolve("/usr/bin/sql")?.path == "/usr/bin/psql")
    #expect(record.resolve("/usr/bin/late") == nil, "taken as it is written")
  }

  @Test func aPathListedLaterFindsItsWayThroughTheImagesLinkedDirectories() throws {
    let root = try TemporaryDirectory()
    try FileManager.default.createDirectory(atPath: root.path + "/usr/bin", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: root.path + "/bin", withDestinationPath: "usr/bin")
    let record = RecordingLookup(try RootFilesystem(root.path)).record
    #expect(record.resolve("/bin/sh")?.path == "/usr/bin/sh")
    #expect(record.resolve("/binary") == nil)
  }

  @Test func annotationsOfTwoRuntimesAtOnceAreAmbiguous() {
    let crio = ["io.kubernetes.cri-o.SandboxID": "s"]
    let containerd = ["io.kubernetes.cri.sandbox-id": "s"]
    #expect(!ContainerIdentity.isAmbiguous(crio) && !ContainerIdentity.isAmbiguous(containerd))
    #expect(ContainerIdentity.isAmbiguous(crio.merging(containerd) { a, _ in a }))
  }
}

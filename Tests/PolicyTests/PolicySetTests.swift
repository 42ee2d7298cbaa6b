// SPDX-License-Identifier: Apache-2.0
import Foundation
import Policy
import Testing

@Suite struct PolicySetTests {
  @Test func aBadFileKeepsItsLastGoodVersionInForce() {
    let good = PolicySet(files: [
      file("a.yaml", manifest(name: "a")), file("b.yaml", manifest(name: "b")),
    ])
    #expect(good.problems.isEmpty)
    let bad = PolicySet(
      files: [
        file("a.yaml", manifest(name: "a", mode: "none")),
        file("b.yaml", manifest(name: "b", mode: "learn")),
      ],
      previous: good)
    #expect(bad.policies.map(\.policy.name.name) == ["a", "b"])
    #expect(bad.policies.map(\.policy.mode) == [.protect, .learn])
    #expect(bad.policies.map(\.isLastGood) == [true, false])
    #expect(
      bad.problems.map(\.description) == [
        "a.yaml:7:9: spec.mode: \"none\" is not known here; write learn, monitor or protect"
      ])
    let worse = PolicySet(files: [file("a.yaml", ""), file("b.yaml", "{")], previous: bad)
    #expect(worse.policies.map(\.policy) == bad.policies.map(\.policy))
    let mended = PolicySet(files: [file("a.yaml", manifest(name: "c"))], previous: worse)
    #expect(mended.policies.map(\.policy.name.name) == ["c"])
    #expect(mended.policies.map(\.isLastGood) == [false])
    #expect(mended.problems.isEmpty)
  }

  /// Files that are as they were are not parsed again; one byte makes another file of it.
  @Test func whatIsReadAgainIsWhatIsThereNow() {
    let web = manifest(name: "a", mode: "monitor")
    let first = PolicySet(files: [file("a.yaml", web), file("b.yaml", manifest(name: "b"))])
    let same = PolicySet(files: [file("a.yaml", web), file("b.yaml", manifest(name: "b"))], previous: first)
    #expect(same == first)
    let changed = PolicySet(
      files: [file("a.yaml", web.replacing("/bin/sh", with: "/bin/sd")), file("b.yaml", manifest(name: "b"))],
      previous: same)
    #expect(changed.policies[0].policy.rulesByContainer["nginx"]?.allowed.map(\.path) == ["/bin/sd"])
    #expect(changed.policies[1] == first.policies[1])
    // The text of one file under the name of another is placed there.
    let swapped = PolicySet(files: [file("b.yaml", web), file("a.yaml", manifest(name: "b"))], previous: first)
    #expect(swapped.policies.map(\.file) == ["b.yaml", "a.yaml"])
    // Bad in between: the same good bytes are good again, and no longer only the last good ones.
    let bad = PolicySet(files: [file("a.yaml", "{"), file("b.yaml", manifest(name: "b"))], previous: first)
    #expect(bad.policies.map(\.isLastGood) == [true, false])
    let again = PolicySet(files: [file("a.yaml", web), file("b.yaml", manifest(name: "b"))], previous: bad)
    #expect(again == first)
    let stillBad = PolicySet(files: [file("a.yaml", "{")], previous: bad)
    #expect(stillBad.problems.count == 1 && stillBad.policies.map(\.isLastGood) == [true])
  }

  @Test func manyFilesAreEachReadIntoTheirPlace() {
    let names = (0..<1000).map { "p\($0)" }
    let set = PolicySet(files: names.map { file("\($0).yaml", manifest(name: $0)) })
    #expect(set.problems.isEmpty && set.policies.map(\.policy.name.name) == names.sorted())
    #expect(set.policies.allSatisfy { $0.file == $0.policy.name.name + ".yaml" })
    for name in names {
      #expect(
        set.effective(
          for: WorkloadIdentity(
            namespace: "shop", annotations: [WorkloadIdentity.policyKeys[0]: name], containerName: "nginx"))?
          .policies.map(\.name) == [name])
    }
  }

  @Test func aFileCountsAsAWholeOrNotAtAll() {
    let set = PolicySet(files: [
      file("a.yaml", manifest(name: "a") + "---\n" + manifest(name: "b", mode: "none"))
    ])
    #expect(set.policies.isEmpty)
    #expect(set.problems.count == 1)
  }

  @Test func anUnreadableFileKeepsItsLastGoodVersionInForce() {
    let good = PolicySet(files: [file("a.yaml", manifest())])
    let set = PolicySet(
      files: [
        PolicyFile(name: "a.yaml", content: .unreadable("cannot be read: Permission denied"))
      ], previous: good)
    #expect(set.policies.map(\.isLastGood) == [true])
    #expect(set.problems.map(\.description) == ["a.yaml: cannot be read: Permission denied"])
  }

  @Test func aRemovedFileTakesItsPoliciesWithIt() {
    let good = PolicySet(files: [file("a.yaml", manifest())])
    #expect(PolicySet(files: [], previous: good) == .empty)
  }

  @Test func theSamePolicyInTwoFilesIsRefusedInTheLaterOne() {
    let files = [
      file("a.yaml", manifest(mode: "learn")),
      file("b.yaml", manifest() + "---\n" + manifest(name: "other")),
    ]
    let set = PolicySet(files: files)
    #expect(set.policies.map(\.policy.name.name) == ["other", "web"])
    #expect(set.policies.last?.policy.mode == .learn)
    #expect(
      set.problems.map(\.description) == [
        "b.yaml:1: metadata.name: WorkloadPolicy shop/web is already defined in a.yaml:1, which is in force; keep one, or rename one"
      ])
    #expect(PolicySet(files: files.reversed()) == set)
    let freed = PolicySet(files: [files[1]], previous: set)
    #expect(freed.problems.isEmpty)
    #expect(freed.policies.last?.policy.mode == .protect)
  }

  @Test func aProposalIsKeptApartAndNeverInForce() {
    let set = PolicySet(files: [
      file("a.yaml", manifest(kind: "WorkloadPolicyProposal", mode: nil)),
      file("b.yaml", manifest()),
    ])
    #expect(set.problems.isEmpty)
    #expect(set.policies.map(\.file) == ["b.yaml"])
    #expect(set.proposals.map(\.file) == ["a.yaml"])
  }

  @Test(arguments: [
    ("a.yaml", true), ("a.yml", true), (".a.yaml", false), ("..data", false), ("a.yaml~", false),
    ("#a.yaml#", false), (".a.yaml.swp", false), ("a.yaml.bak", false), ("a.json", false),
    ("README.md", false), (".#a.yaml", false),
  ]) func onlyManifestsAreRead(_ name: String, _ isRead: Bool) {
    #expect(PolicyDirectory.isPolicyFile(name) == isRead)
  }
}

/// Real directories, in a place of their own.
@Suite final class PolicyDirectoryTests {
  let path = NSTemporaryDirectory() + "holdfast-policies-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws {
    try text.write(toFile: path + "/" + name, atomically: false, encoding: .utf8)
  }

  @Test func readsManifestsInTheOrderOfTheirNames() throws {
    try write("b.yaml", manifest(name: "one"))
    try write("a.yml", manifest(name: "two"))
    try write("a.yaml~", "not a policy")
    try write(".hidden.yaml", "not a policy")
    let set = PolicyDirectory(path: path).load()
    #expect(set.problems.isEmpty)
    #expect(set.policies.map(\.file) == ["b.yaml", "a.yml"])
  }

  @Test func readsAMountedConfigMapAndFollowsItsSwitch() throws {
    let files = FileManager.default
    for (version, mode) in [("..1", "monitor"), ("..2", "protect")] {
      try files.createDirectory(atPath: "\(path)/\(version)", withIntermediateDirectories: true)
      try write("\(version)/web.yaml", manifest(mode: mode))
    }
    try files.createSymbolicLink(atPath: path + "/..data", withDestinationPath: "..1")
    try files.createSymbolicLink(atPath: path + "/web.yaml", withDestinationPath: "..data/web.yaml")
    let directory = PolicyDirectory(path: path)
    let before = directory.load()
    #expect(before.policies.map(\.policy.mode) == [.monitor])
    try files.removeItem(atPath: path + "/..data")
    // Between the two: the link leads nowhere, and nothing is lifted.
    let between = directory.load(previous: before)
    #expect(between.policies.map(\.policy.mode) == [.monitor])
    #expect(between.problems.count == 1)
    try files.createSymbolicLink(atPath: path + "/..data", withDestinationPath: "..2")
    let after = directory.load(previous: between)
    #expect(after.policies.map(\.policy.mode) == [.protect])
    #expect(after.problems.isEmpty)
  }

  @Test func aFIFOAndADirectoryAreProblemsAndDoNotStopTheReading() throws {
    mkfifo(path + "/fifo.yaml", 0o600)
    try FileManager.default.createDirectory(
      atPath: path + "/dir.yaml", withIntermediateDirectories: true)
    try write("good.yaml", manifest())
    let set = PolicyDirectory(path: path).load()
    #expect(set.policies.count == 1)
    #expect(set.problems.map(\.file) == ["dir.yaml", "fifo.yaml"])
  }

  @Test func aDirectoryThatVanishesLiftsNothing() throws {
    try write("a.yaml", manifest())
    let directory = PolicyDirectory(path: path)
    let before = directory.load()
    try FileManager.default.removeItem(atPath: path)
    let after = directory.load(previous: before)
    #expect(after.policies.map(\.policy) == before.policies.map(\.policy))
    #expect(after.problems.first?.message.contains("No such file or directory") == true)
    #expect(directory.load().policies.isEmpty)
  }

  @Test func theSamplePolicyIsGood() throws {
    var root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let set = PolicyDirectory(path: root.appendingPathComponent("packaging/policies").path).load()
    #expect(set.problems.isEmpty)
    #expect(!set.policies.isEmpty)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Foundation
import Testing

@testable import Admission

@Suite struct RecordStoreTests {
  private func record(_ id: String, bound: Bool = true) -> ContainerRecord {
    ContainerRecord(
      identity: ContainerIdentity(id: id, annotations: ["a": "b\n\"c\""]), bundle: "/b", rootPath: "/b/rootfs",
      makesPidNamespace: true, pid: 5, initStartTicks: .max,
      cgroup: CgroupLocation(
        id: .max, hierarchy: 8, controller: "pids", path: "/c", directory: "/sys/fs/cgroup/pids/c"),
      hasStarted: true,
      bound: bound
        ? ContainerRecord.Bound(
          binding: 3, ruleSet: 4, policies: ["shop/web"], mode: 3, allow: 1 << 50,
          rules: [.init(path: PathBytes("/bin/a"), use: 3)],
          links: [ResolvedLink(listed: "/a", resolved: "/bin/a")], lookups: LookupRecord(), since: 6,
          sinceNanoseconds: 7) : nil)
  }

  @Test func aRecordComesBackAsItWas() throws {
    let directory = try TemporaryDirectory()
    let store = try RecordStore(directory: directory.path + "/containers")
    try store.save(record("c1"))
    try store.save(record("c2", bound: false))
    let (records, problems) = try RecordStore(directory: directory.path + "/containers").load()
    #expect(problems.isEmpty && records.map(\.identity.id) == ["c1", "c2"])
    let first = try #require(records.first)
    let bound = try #require(first.bound)
    #expect(first.identity == record("c1").identity && first.cgroup == record("c1").cgroup)
    #expect(first.initStartTicks == .max && first.pid == 5 && first.hasStarted && first.rootPath == "/b/rootfs")
    #expect(
      bound.content == RuleSet(mode: .protect, allow: .anonymousFiles, rules: ["/bin/a": [.executable, .interpreter]]))
    #expect(bound.links == record("c1").bound?.links && bound.policies == ["shop/web"])
    #expect(records[1].bound == nil)
  }

  /// No field is forgotten, and none is named otherwise.
  @Test(arguments: [true, false]) func whatIsWrittenIsWhatCodableWrites(_ isBound: Bool) throws {
    var one = record("q\"\\/\u{1}\u{7f}\u{e9}\n", bound: isBound)
    one.identity.pod = ""
    one.identity.podUID = "u"
    one.identity.image = "i"
    one.identity.owner = WorkloadOwner(kind: .cronJob, name: "n")
    one.identity.labels = ["l": "1", "": "2"]
    one.bound?.lookups.add("/a", LookedUp(path: "/b", isDirectory: true, interpreter: nil))
    one.bound?.lookups.add("/c", LookedUp(path: "/c", isDirectory: false, interpreter: "/bin/sh"))
    for record in [one, record("c1", bound: isBound)] {
      let written = try JSONDecoder().decode(ContainerRecord.self, from: Data(record.json()))
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      #expect(try encoder.encode(written) == encoder.encode(record))
      func object(_ json: Data) throws -> NSDictionary? {
        try JSONSerialization.jsonObject(with: json) as? NSDictionary
      }
      let both = (try object(Data(record.json())), try object(try encoder.encode(record)))
      #expect(both.0 != nil && both.0 == both.1)
    }
  }

  @Test func whatAKilledMapdHasLeftIsNoRecordAndDoesNotPileUp() throws {
    let directory = try TemporaryDirectory()
    let store = try RecordStore(directory: directory.path)
    try store.save(record("c1"))
    try directory.write(".new", "{\"identity\": {\"id\": \"half")
    #expect(store.load().records.map(\.identity.id) == ["c1"] && store.load().problems.isEmpty)
    try store.save(record("c2"))
    #expect(store.load().records.map(\.identity.id) == ["c1", "c2"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["c1.json", "c2.json"])
    // Not one longer than the record itself, and not through a link.
    try directory.write(".new", String(repeating: "x", count: 100_000))
    try store.save(record("c1"))
    #expect(store.load().problems.isEmpty)
    try directory.link(".new", to: "c2.json")
    #expect(refusal { try store.save(record("c1", bound: false)) }?.kind == .system)
    #expect(store.load().records.map { $0.bound == nil } == [false, false])
    try store.save(record("c1", bound: false))
    #expect(store.load().records.map { $0.bound == nil } == [true, false])
  }

  @Test func aRecordThatCannotBeWrittenLeavesTheOneBefore() throws {
    let directory = try TemporaryDirectory()
    let store = try RecordStore(directory: directory.path)
    try store.save(record("c1"))
    try directory.directory(".new/x")
    #expect(refusal { try store.save(record("c1", bound: false)) }?.kind == .system)
    #expect(store.load().records.map { $0.bound == nil } == [false])
  }

  @Test func aRecordIsReplacedWholeAndRemoved() throws {
    let directory = try TemporaryDirectory()
    let store = try RecordStore(directory: directory.path)
    try store.save(record("c1"))
    try store.save(record("c1", bound: false))
    #expect(store.load().records.map { $0.bound == nil } == [true])
    store.remove("c1")
    store.remove("never")
    #expect(store.load().records.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test(arguments: [
    "a/b", "../../x", ".", "..", ".hidden", "", "a b\n", "\u{e9}", "x\u{1}", "%", "%2F",
    String(repeating: "l", count: 250),
  ])
  func anyIdIsAFileInTheDirectory(_ id: String) throws {
    let directory = try TemporaryDirectory()
    let store = try RecordStore(directory: directory.path + "/c")
    try store.save(record(id))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["c"])
    #expect(store.load().records.map(\.identity.id) == [id])
    store.remove(id)
    #expect(store.load().records.isEmpty)
  }

  @Test(arguments: [
    ("/", "%2F"), ("/\u{1}\u{23}", "/\u{12}\u{3}"), ("", "%"), (".", "%2E"), ("\u{e9}", "e\u{301}"),
    (String(repeating: "l", count: 249) + "1", String(repeating: "l", count: 249) + "2"),
  ])
  func differentIdsHaveDifferentFiles(_ a: String, _ b: String) throws {
    let store = try RecordStore(directory: try TemporaryDirectory().path + "-c")
    defer { try? FileManager.default.removeItem(atPath: store.directory) }
    try store.save(record(a))
    try store.save(record(b))
    #expect(store.load().records.count == 2)
  }

  /// A runtime's own folder has the id for a name too, so that it cannot be much longer.
  @Test func anIdThatNoFileCanBeNamedByIsRefused() throws {
    let store = try RecordStore(directory: try TemporaryDirectory().path + "-c")
    defer { try? FileManager.default.removeItem(atPath: store.directory) }
    #expect(refusal { try store.save(record(String(repeating: "l", count: 251))) }?.kind == .invalid)
    #expect(refusal { try store.save(record(String(repeating: "/", count: 84))) }?.kind == .invalid)
    #expect(store.load().records.isEmpty)
  }

  @Test func aTruncatedRecordIsToldAndTheOthersAreRead() throws {
    let directory = try TemporaryDirectory()
    let store = try RecordStore(directory: directory.path)
    try store.save(record("good"))
    try store.save(record("bad"))
    #expect(truncate(directory.path + "/bad.json", 40) == 0)
    try directory.write("empty.json", "")
    try directory.write("other.json", "{\"identity\": 1}")
    try directory.write("left.tmp", "{")
    let (records, problems) = store.load()
    #expect(records.map(\.identity.id) == ["good"])
    #expect(problems.count == 3)
    #expect(problems.contains { $0.contains("\(directory.path)/bad.json") })
  }

  @Test func aDirectoryThatCannotBeMadeIsRefused() throws {
    let directory = try TemporaryDirectory()
    #expect(refusal { _ = try RecordStore(directory: directory.path + "/a/b") }?.kind == .system)
  }

  @Test func aDirectoryThatCannotBeListedIsToldOf() throws {
    let directory = try TemporaryDirectory()
    let store = try RecordStore(directory: directory.path + "/c")
    try FileManager.default.removeItem(atPath: directory.path + "/c")
    #expect(store.load().problems.count == 1)
  }
}

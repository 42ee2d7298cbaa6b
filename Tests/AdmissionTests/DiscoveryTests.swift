// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Admission

/// States of runtimes as written by real ones, in folders of the test's own.
@Suite struct DiscoveryTests {
  private let own = ProcFS().startTicks(getpid()) ?? 0

  private func scan(_ root: TemporaryDirectory) -> Discovery {
    var discovery = Discovery(
      DiscoveryRoots(run: root.path + "/run", storage: [root.path + "/storage"], further: [root.path + "/own"]))
    discovery.scan()
    return discovery
  }

  private func recorded(_ name: String) throws -> String {
    try String(contentsOfFile: "\(Fixtures.folder)/runtime-state/\(name)", encoding: .utf8)
  }

  @Test(arguments: ["runc-1.1.5", "runc-1.3.6"]) func runcTellsBundleStartAndCgroups(_ name: String) throws {
    let root = try TemporaryDirectory()
    try root.write("run/runc/c1/state.json", try recorded("\(name).json"))
    let found = scan(root).found
    #expect(found.count == 1 && found[0].id == "c1" && found[0].bundle == "/srv/lab/b")
    #expect(found[0].pid > 1 && (found[0].initStartTicks ?? 0) > 0 && found[0].owner == 0)
    #expect(found[0].cgroups["pids"] == "/sys/fs/cgroup/pids/lab/c1")
  }

  @Test(arguments: ["crun-1.8.1", "crun-1.21", "crun-1.28"]) func crunTellsBundleStartAndCgroup(_ name: String) throws {
    let root = try TemporaryDirectory()
    try root.write("run/crun/c1/status", try recorded("\(name).json"))
    let found = scan(root).found
    #expect(found.count == 1 && found[0].id == "c1" && found[0].bundle == "/srv/lab/b")
    #expect((found[0].initStartTicks ?? 0) > 0 && found[0].cgroups == ["": "/lab/c1"])
  }

  @Test func aLaterAnnotationNamedBundleIsNotTheBundle() throws {
    let root = try TemporaryDirectory()
    try root.write("run/runc/c1/state.json", Self.runc(labels: ["bundle=/forged", "bundle=/real"]))
    #expect(scan(root).found.map(\.bundle) == ["/real"])
  }

  @Test func everyLayoutIsLookedAt() throws {
    let root = try TemporaryDirectory()
    try root.write("run/runc/a/state.json", Self.runc())
    try root.write("run/crun/b/status", Self.crun())
    try root.write("own/c/status", Self.crun())
    try root.write("run/containerd/runc/k8s.io/d/state.json", Self.runc())
    try root.write("run/k3s/containerd/runc/k8s.io/e/state.json", Self.runc())
    try root.write("run/docker/runtime-runc/moby/f/state.json", Self.runc())
    try root.write("run/containerd/io.containerd.runtime.v2.task/default/g/init.pid", "77")
    try root.write("run/containerd/io.containerd.runtime.v2.task/default/g/config.json", "{}")
    try root.write("run/containers/storage/overlay-containers/h/userdata/pidfile", "78\n")
    try root.write("storage/overlay-containers/h/userdata/config.json", "{}")
    let discovery = scan(root)
    #expect(discovery.found.map(\.id).sorted() == ["a", "b", "c", "d", "e", "f", "g", "h"])
    #expect(discovery.problems.isEmpty)
    let task = discovery.found.first { $0.id == "g" }
    #expect(task?.bundle == root.path + "/run/containerd/io.containerd.runtime.v2.task/default/g")
    #expect(task?.pid == 77 && task?.initStartTicks == nil && task?.written != nil)
    #expect(discovery.found.first { $0.id == "h" }?.bundle == root.path + "/storage/overlay-containers/h/userdata")
  }

  @Test func aContainerThatTwoLayersTellOfIsOne() throws {
    let root = try TemporaryDirectory()
    try root.write("run/containerd/runc/k8s.io/d/state.json", Self.runc(pid: 77))
    try root.write("run/containerd/io.containerd.runtime.v2.task/k8s.io/d/init.pid", "77")
    try root.write("run/containerd/io.containerd.runtime.v2.task/k8s.io/d/config.json", "{}")
    let found = scan(root).found
    // the one with the start of its process
    #expect(found.count == 1 && found[0].initStartTicks == 5)
  }

  @Test func nothingThereIsNoProblem() throws {
    let discovery = scan(try TemporaryDirectory())
    #expect(discovery.found.isEmpty && discovery.problems.isEmpty)
  }

  @Test(arguments: [
    "", "{", "[]", "null", "{\"id\": \"x\"}", "{\"pid\": \"7\"}", String(repeating: "[", count: 100_000),
    "{\"pid\": 99999999999, \"process-start-time\": 5, \"bundle\": \"/b\"}",
    "{\"pid\": 7, \"process-start-time\": -5, \"bundle\": \"/b\"}",
    "{\"pid\": 7, \"process-start-time\": 5, \"bundle\": \"b\"}",
    "{\"pid\": 7, \"process-start-time\": 5, \"bundle\": \"/b\\u0000x\"}",
  ])
  func aStateThatIsNoneIsToldAndHidesNoOther(_ text: String) throws {
    let root = try TemporaryDirectory()
    try root.write("run/crun/bad/status", text)
    try root.write("run/crun/good/status", Self.crun())
    try root.write("run/runc/bad/state.json", text)
    let discovery = scan(root)
    #expect(discovery.found.map(\.id) == ["good"])
    #expect(discovery.problems.count == 2 && discovery.problems.contains { $0.contains("run/crun/bad/status") })
  }

  @Test func linksAreNotFollowed() throws {
    let root = try TemporaryDirectory()
    try root.write("elsewhere/status", Self.crun())
    try root.link("run/crun/link", to: root.path + "/elsewhere")
    try root.directory("run/crun/c1")
    try root.link("run/crun/c1/status", to: root.path + "/elsewhere/status")
    let discovery = scan(root)
    #expect(discovery.found.isEmpty)
    #expect(discovery.problems.contains { $0.contains("c1/status is a symbolic link") })
  }

  @Test func onlyRegularFilesOfModestSizeAreRead() throws {
    let root = try TemporaryDirectory()
    try root.directory("run/crun/pipe")
    #expect(mkfifo(root.path + "/run/crun/pipe/status", 0o600) == 0)
    try root.directory("run/crun/folder/status")
    try root.write("run/crun/huge/status", "{}")
    #expect(truncate(root.path + "/run/crun/huge/status", off_t(DiscoveryFolder.bytesMax) + 1) == 0)
    let discovery = scan(root)
    #expect(discovery.found.isEmpty && discovery.problems.count == 3)
    #expect(discovery.problems.allSatisfy { $0.contains("regular file of at most 4 MiB") })
  }

  @Test func whatOthersCanWriteIsNotBelieved() throws {
    let root = try TemporaryDirectory()
    try root.write("run/crun/open/status", Self.crun())
    #expect(chmod(root.path + "/run/crun/open/status", 0o666) == 0)
    try root.write("run/crun/theirs/status", Self.crun())
    #expect(chown(root.path + "/run/crun/theirs", 1234, 1234) == 0)
    let discovery = scan(root)
    #expect(discovery.found.isEmpty)
    #expect(discovery.problems.contains { $0.contains("can be written by anyone") })
    #expect(discovery.problems.contains { $0.contains("belongs to user 1234") })
  }

  @Test func aUsersOwnFoldersAreHis() throws {
    let root = try TemporaryDirectory()
    try root.write("run/user/1234/crun/mine/status", Self.crun())
    for path in ["run/user/1234", "run/user/1234/crun", "run/user/1234/crun/mine", "run/user/1234/crun/mine/status"] {
      #expect(chown("\(root.path)/\(path)", 1234, 1234) == 0)
    }
    try root.write("run/user/1234/crun/others/status", Self.crun())
    #expect(chown(root.path + "/run/user/1234/crun/others/status", 999, 999) == 0)
    try root.write("run/user/root/crun/x/status", Self.crun())
    let discovery = scan(root)
    #expect(discovery.found.map(\.id) == ["mine"] && discovery.found.first?.owner == 1234)
    #expect(discovery.problems.count == 1)
  }

  @Test(arguments: ["", "x", "-5", "0", "1", "99999999999999999999"]) func aPidThatIsNoneIsTold(_ text: String) throws {
    let root = try TemporaryDirectory()
    let task = "run/containerd/io.containerd.runtime.v2.task/default/g"
    try root.write("\(task)/init.pid", text)
    try root.write("\(task)/config.json", "{}")
    let discovery = scan(root)
    #expect(discovery.found.isEmpty && discovery.problems.count == 1)
  }

  static func crun(pid: Int32 = 7, start: UInt64 = 5) -> String {
    "{\"pid\": \(pid), \"process-start-time\": \(start), \"cgroup-path\": \"/c\", \"bundle\": \"/b\"}"
  }

  static func runc(pid: Int32 = 7, labels: [String] = ["a=b", "bundle=/b"]) -> String {
    let list = labels.map { "\"\($0)\"" }.joined(separator: ", ")
    return
      "{\"id\": \"x\", \"init_process_pid\": \(pid), \"init_process_start\": 5, \"config\": {\"labels\": [\(list)]}}"
  }
}

@Suite struct DiscoveredProcessTests {
  private let proc = ProcFS()

  private func container(
    pid: Int32 = getpid(), ticks: UInt64? = nil, written: Int64? = nil, owner: uid_t = 0
  ) -> FoundContainer {
    FoundContainer(
      id: "c1", bundle: "/b", pid: pid, initStartTicks: ticks, written: written, owner: owner, source: "/s")
  }

  @Test func theSameStartIsTheSameProcess() throws {
    let ticks = try #require(proc.startTicks(getpid()))
    #expect(proc.check(container(ticks: ticks)) == .running(startTicks: ticks))
  }

  @Test func anotherStartIsAnotherProcess() throws {
    let ticks = try #require(proc.startTicks(getpid()))
    #expect(proc.check(container(ticks: ticks + 1)) == .ended("process \(getpid()) is another one by now"))
    #expect(proc.check(container(pid: 0x3fff_fff0, ticks: 1)) == .ended("process 1073741808 is gone"))
  }

  @Test func aProcessThatStartedAfterItsPidWasWrittenIsAnother() throws {
    let now = Int64(time(nil))
    #expect(
      proc.check(container(written: now - 1_000_000)) == .ended("process \(getpid()) started after /s was written"))
    guard case .running = proc.check(container(written: now)) else {
      Issue.record("a process that started before is taken for another")
      return
    }
  }

  @Test func aUserCannotClaimAnothersProcess() throws {
    let ticks = try #require(proc.startTicks(getpid()))
    #expect(
      proc.check(container(ticks: ticks, owner: 1234))
        == .disbelieved("process \(getpid()) is not in a user namespace of user 1234"))
  }
}

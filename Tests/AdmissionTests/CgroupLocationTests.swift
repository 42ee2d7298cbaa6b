// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Admission

/// Lines as recorded on machines with cgroup v2, v1 and both.
@Suite struct CgroupLocationTests {
  private let unified = "35 30 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
  private let hybrid = """
    35 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
    36 30 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
    37 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
    38 30 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
    """

  private func own(
    _ lines: String, callers: String = "", mounts: String
  ) -> (line: CgroupLine, controller: String, directory: String)? {
    let found = ProcFS.hierarchyMounts(ProcFS.parseMounts(mounts))
    return ProcFS.ownCgroup(lines: ProcFS.parseCgroups(lines), callers: ProcFS.parseCgroups(callers)) { found[$0] }
  }

  @Test func whereAHierarchyIsMountedIsForgottenWhenAnotherIsThere() throws {
    let directory = try TemporaryDirectory()
    let hierarchies = Hierarchies()
    let path = directory.path + "/cgroup"
    #expect(mkdir(path, 0o700) == 0)
    hierarchies.note(["unified": path, "pids": directory.path + "/none"])
    #expect(hierarchies.stillMounted("unified") == path && hierarchies.stillMounted("pids") == nil)
    #expect(rename(path, path + ".old") == 0 && hierarchies.stillMounted("unified") == nil)
    #expect(mkdir(path, 0o700) == 0 && hierarchies.stillMounted("unified") == nil)
  }

  @Test func inVersion2TheOneCgroup() {
    let own = own("0::/kubepods/pod1/c1\n", callers: "0::/system.slice/containerd.service\n", mounts: unified)
    #expect(own?.controller == "unified" && own?.directory == "/sys/fs/cgroup/kubepods/pod1/c1")
    #expect(own?.line.hierarchy == 0)
  }

  @Test func inVersion1TheOneOfPids() {
    let own = own("9:memory:/c1\n8:pids:/c1\n1:name=systemd:/c1\n", callers: "8:pids:/\n", mounts: hybrid)
    #expect(own?.controller == "pids" && own?.line.hierarchy == 8 && own?.directory == "/sys/fs/cgroup/pids/c1")
  }

  @Test func withoutPidsTheOneOfMemory() {
    let own = own("9:memory:/c1\n1:name=systemd:/c1\n", mounts: hybrid)
    #expect(own?.controller == "memory" && own?.directory == "/sys/fs/cgroup/memory/c1")
  }

  @Test func inHybridTheUnifiedOneWhereItIsTheContainersOwn() {
    #expect(own("8:pids:/c1\n0::/c1\n", callers: "8:pids:/\n0::/\n", mounts: hybrid)?.controller == "unified")
    #expect(own("8:pids:/c1\n0::/\n", callers: "8:pids:/\n0::/\n", mounts: hybrid)?.controller == "pids")
  }

  @Test func aCgroupThatTheRuntimeIsInAsWellIsNotTheContainers() {
    let session = "0::/user.slice/session-1.scope\n"
    #expect(own(session, callers: session, mounts: unified) == nil)
    let both = "8:pids:/c1\n" + session
    #expect(own(both, callers: "8:pids:/\n" + session, mounts: hybrid)?.controller == "pids")
    #expect(own(both, callers: both, mounts: hybrid) == nil)
  }

  @Test(arguments: ["0::/\n", "8:pids:/\n0::/\n", "", "0::/../other\n", "1:name=systemd:/c1\n", "5:cpu,cpuacct:/c1\n"])
  func aContainerWithoutACgroupOfItsOwnHasNone(_ lines: String) {
    #expect(own(lines, mounts: hybrid + "\n" + unified) == nil)
  }

  @Test func aHierarchyThatIsNotMountedWholeIsPassedOver() {
    let part = "35 30 0:30 /sub /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    #expect(own("0::/sub/c1\n", mounts: part) == nil)
    #expect(own("8:pids:/c1\n0::/sub/c1\n", mounts: part + hybrid.split(separator: "\n").last!)?.controller == "pids")
  }

  @Test func levelIsTheNumberOfComponents() {
    #expect(location("/a/b/c", "/x", 1).level == 3)
    #expect(location("/", "/x", 1).level == 0)
  }

  @Test func isGoneWhenTheDirectoryIsAnotherOneOrNone() throws {
    let directory = try TemporaryDirectory()
    var status = stat()
    #expect(stat(directory.path, &status) == 0)
    #expect(!location("/a", directory.path, UInt64(status.st_ino)).isGone)
    #expect(location("/a", directory.path, UInt64(status.st_ino) + 1).isGone)
    #expect(location("/a", directory.path + "/gone", 1).isGone)
    // A directory that cannot be looked at says nothing: the binding stays.
    #expect(!location("/a", directory.path + "/" + String(repeating: "n", count: 300), 1).isGone)
  }

  private func location(_ path: String, _ directory: String, _ id: UInt64) -> CgroupLocation {
    CgroupLocation(id: id, hierarchy: 0, controller: "unified", path: path, directory: directory)
  }
}

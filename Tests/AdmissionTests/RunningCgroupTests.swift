// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Admission

/// Where a container that runs already is, by what its runtime wrote down and by its init: the
/// paths of cgroupfs and systemd drivers.
@Suite struct RunningCgroupTests {
  private let mounts = ["unified": "/sys/fs/cgroup"]

  private func told(
    _ line: String, cgroups: [String: String] = [:], cgroupsPath: String? = nil, owner: uid_t = 0,
    absent: Set<String> = []
  ) -> String? {
    let found = FoundContainer(id: "c1", bundle: "/b", pid: 7, cgroups: cgroups, owner: owner, source: "state")
    return ProcFS.toldCgroup(
      found, cgroupsPath: cgroupsPath, lines: ProcFS.parseCgroups("0::\(line)\n"), mounts: mounts,
      isDirectory: { !absent.contains($0) })?.path
  }

  @Test func cgroupfsIsTakenAsWritten() {
    #expect(told("/libpod_parent/libpod-c1", cgroupsPath: "/libpod_parent/libpod-c1") == "/libpod_parent/libpod-c1")
    #expect(told("/k8s/c1", cgroups: ["": "/sys/fs/cgroup/k8s/c1"]) == "/k8s/c1")
  }

  @Test func anInitThatMovedBelowIsInItsContainersCgroup() {
    #expect(told("/k8s/c1/init.scope", cgroupsPath: "/k8s/c1") == "/k8s/c1")
    let scope = "/system.slice/crio-c1.scope"
    #expect(told(scope + "/init.scope", cgroupsPath: "system.slice:crio:c1") == scope)
  }

  @Test(arguments: [
    ("/machine.slice/libpod-c1.scope", "machine.slice:libpod:c1", "/machine.slice/libpod-c1.scope"),
    (
      "/a.slice/a-b.slice/cri-containerd-c1.scope", "a-b.slice:cri-containerd:c1",
      "/a.slice/a-b.slice/cri-containerd-c1.scope"
    ),
    ("/user.slice/c1.scope", "user.slice::c1", "/user.slice/c1.scope"),
    ("/a.slice/c1.slice", "a.slice:crio:c1.slice", "/a.slice/c1.slice"),
  ])
  func systemdsNamesAreFoundInThePath(_ line: String, _ cgroupsPath: String, _ expected: String) {
    #expect(told(line, cgroupsPath: cgroupsPath) == expected)
  }

  @Test func crunsSubgroupIsTheContainersOwn() {
    let path = "/machine.slice/libpod-c1.scope/container"
    #expect(told(path, cgroups: ["": path], cgroupsPath: "machine.slice:libpod:c1") == path)
    // only the bundle tells: the scope, which the subgroup is in
    #expect(told(path, cgroupsPath: "machine.slice:libpod:c1") == "/machine.slice/libpod-c1.scope")
  }

  @Test(arguments: ["a.slice:crio", "a.slice:crio:", ":::c1", "x"])
  func whatIsNoNameOfSystemdTellsNothing(_ cgroupsPath: String) {
    #expect(told("/a.slice/crio-c1.scope", cgroupsPath: cgroupsPath) == nil)
  }

  /// Its init has moved itself to another cgroup, which cgroupfs lets it where it is writable.
  @Test func rootsWordCountsWhereTheInitIsElsewhereAndAUsersDoesNot() {
    #expect(told("/elsewhere", cgroupsPath: "/k8s/c1") == "/k8s/c1")
    #expect(told("/elsewhere", cgroupsPath: "/k8s/c1", owner: 1000) == nil)
  }

  @Test func neitherTheRootNorAWayUpNorWhatIsNotThereIsTaken() {
    #expect(told("/", cgroupsPath: "/") == nil)
    #expect(told("/k8s/c1", cgroupsPath: "/k8s/../system.slice") == nil)
    #expect(told("/k8s/c1", cgroupsPath: "/k8s/c1", absent: ["/sys/fs/cgroup/k8s/c1"]) == nil)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Admission

@Suite struct ProcFSTests {
  @Test func cgroupLinesOfVersion2() {
    #expect(
      ProcFS.parseCgroups("0::/system.slice/a:b.scope\n") == [
        CgroupLine(hierarchy: 0, controllers: [], path: "/system.slice/a:b.scope")
      ])
  }

  @Test func cgroupLinesOfVersion1() {
    let lines = ProcFS.parseCgroups("12:pids:/c1\n4:cpu,cpuacct:/c1\n1:name=systemd:/c1\n0::/\n")
    #expect(lines.count == 4)
    #expect(lines[1] == CgroupLine(hierarchy: 4, controllers: ["cpu", "cpuacct"], path: "/c1"))
    #expect(lines[2].controllers == ["name=systemd"])
  }

  @Test(arguments: ["", "\n\n", "x::/a\n", "0:/a\n", "-1::/a\n", "99999999999::/a"])
  func linesThatAreNoneAreLeftOut(_ text: String) {
    #expect(ProcFS.parseCgroups(text).isEmpty)
  }

  @Test func mountLines() {
    let text = """
      24 31 0:22 / /proc rw,nosuid shared:13 - proc proc rw
      35 30 0:30 / /sys/fs/cgroup rw,relatime shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate
      36 32 0:31 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
      bad line
      37 32 0:31 /
      """
    let mounts = ProcFS.parseMounts(text)
    #expect(mounts.map(\.id) == [24, 35, 36])
    #expect(mounts[1].type == "cgroup2" && mounts[1].mountPoint == "/sys/fs/cgroup" && mounts[1].root == "/")
    #expect(mounts[2].options == ["rw": "", "pids": ""])
  }

  @Test func onlyRootsThatStayWhenTheHostUnmountsThemAreLetGo() {
    let text = """
      20 1 0:9 / / rw - overlay overlay rw,upperdir=/own
      21 20 0:30 / /graph/a rw - overlay overlay rw,upperdir=/a
      22 20 0:31 / /graph/b rw shared:4 master:2 - overlay overlay rw,upperdir=/b
      23 20 0:32 / /graph/a/c rw shared:7 - overlay overlay rw,upperdir=/c
      24 20 0:33 / /data rw - ext4 /dev/sda1 rw
      """
    #expect(ProcFS.containerRoots(ProcFS.parseMounts(text)).map(\.mountPoint) == ["/graph/a/c", "/graph/a"])
  }

  @Test func theMountAtAPathIsTheLastThere() {
    let text = #"""
      20 1 0:9 / / rw - ext4 /dev/sda1 rw
      21 20 0:30 / /r\040x rw - overlay overlay rw,upperdir=/a
      22 20 0:31 / /r\040x rw master:2 - overlay overlay rw,upperdir=/b
      23 20 0:31 / /r\040xy rw - overlay overlay rw,upperdir=/c
      24 20 0:31 / /r
      """#
    for path in ["/", "/r x", "/r xy"] {
      #expect(ProcFS.parseMount(text, at: path) == ProcFS.parseMounts(text).last { $0.mountPoint == path })
    }
    #expect(ProcFS.parseMount(text, at: "/r x")?.id == 22)
    #expect(ProcFS.parseMount(text, at: "/none") == nil)
  }

  @Test func aMountIsFoundByTheBytesOfItsPath() {
    // A carriage return at a path's end, an accent that would join the blank, two spellings of one letter.
    let text =
      "1 1 0:9 / /a\r rw - tmpfs x rw\n2 1 0:9 / /b rw - tmpfs x rw\n3 1 0:9 /\u{301} /\u{e9} rw - tmpfs x rw\n"
      + "4 1 0:9 / /e\u{301} rw - tmpfs x rw\n5 1 0:9 / /c\\134040 rw - tmpfs x rw\n6 1 0:9 / /b"
    for (path, id) in [("/a\r", 1), ("/b", 2), ("/\u{e9}", 3), ("/e\u{301}", 4), ("/c\\040", 5)] as [(String, UInt32)] {
      #expect(ProcFS.parseMount(text, at: path)?.id == id)
    }
    for path in ["/a", "", "/", "/c ", "/b\n"] { #expect(ProcFS.parseMount(text, at: path) == nil) }
    for text in ["", "\n", "\n\n\n", " ", "1 1 0:9 /", "1 1 0:9 / /b ", "x 1 0:9 / /b rw - tmpfs x rw"] {
      #expect(ProcFS.parseMount(text, at: "/b") == nil)
    }
  }

  @Test func escapesInMountPointsAreUndone() {
    let line = #"40 1 0:9 /a\040b /mnt/x\011y\012z\134w rw - tmpfs t\040s rw"#
    let mount = ProcFS.parseMounts(line).first
    #expect(mount?.root == "/a b")
    #expect(mount?.mountPoint == "/mnt/x\ty\nz\\w")
  }

  @Test func overlayOptionsMayHoldCommasColonsAndSpaces() {
    let line = #"41 1 0:9 / /r rw - overlay o lowerdir=/l1:/l2,upperdir=/u\134\054p\040q,workdir=/w\075x"#
    let mount = ProcFS.parseMounts(line).first
    // as the kernel prints upperdir=/u\,p q: its own escapes around the overlay's
    #expect(mount?.options["lowerdir"] == "/l1:/l2" && mount?.options["workdir"] == "/w=x")
    #expect(mount?.options["upperdir"] == "/u,p q")
    let backslash = #"41 1 0:9 / /r rw - overlay o upperdir=/u\134\134v\134:w"#
    #expect(ProcFS.parseMounts(backslash).first?.options["upperdir"] == #"/u\v:w"#)
    let plain = #"41 1 0:9 / /r rw - overlay overlay rw,upperdir=/u\,p\:q,workdir=/w"#
    #expect(ProcFS.parseMounts(plain).first?.options["upperdir"] == "/u,p:q")
  }

  @Test func namesThatJoinWithASeparatorDoNotHideALine() {
    // A combining accent makes one Character with the blank before it, CR with the line feed.
    let text = "40 1 0:9 / /a rw - tmpfs \u{301} rw\n41 1 0:9 / /b rw - tmpfs x rw\n"
    let cgroups = "1:pids:/c\r\n0::/c\r\n"
    #expect(ProcFS.parseMounts(text).map(\.mountPoint) == ["/a", "/b"])
    #expect(ProcFS.parseCgroups(cgroups).map(\.path) == ["/c\r", "/c\r"])
  }

  @Test func thisProcessIsFoundInTheRealProc() throws {
    let proc = ProcFS()
    let ticks = try #require(proc.startTicks(getpid()))
    #expect(ticks > 0 && proc.startTicks(getpid()) == ticks)
    #expect(proc.parent(getpid()) == getppid())
    #expect(try !proc.cgroups(getpid()).isEmpty)
    #expect(try proc.ownMounts().contains { $0.mountPoint == "/" || $0.mountPoint == "/proc" })
    #expect(try proc.namespace(getpid(), "mnt") != 0)
  }

  @Test func aProcessThatIsGoneIsSaidSo() {
    let proc = ProcFS()
    let gone: Int32 = 0x3fff_fff0
    #expect(proc.startTicks(gone) == nil)
    #expect(refusal { _ = try proc.cgroups(gone) }?.kind == .invalid)
    #expect(refusal { _ = try proc.namespace(gone, "mnt") }?.kind == .invalid)
  }

  @Test(arguments: [("S", 0x40_0100, false), ("R", 0x4, true), ("Z", 0x40_0104, true), ("X", 0, true)])
  func aProcessThatEndsIsSeenBeforeItIsGone(_ state: String, _ flags: Int, _ isEnding: Bool) throws {
    let root = try TemporaryDirectory()
    try root.write("7/stat", "7 (a b) \(state) 1 7 7 0 -1 \(flags) 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n")
    let proc = ProcFS(root: root.path)
    #expect(proc.isEnding(7) == isEnding)
    #expect(proc.isEnding(8))
  }

  @Test(arguments: [
    "", "7", "7 (a", "7 (a)", "7 (a) ", "7 (a) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0",
    "7 (a) S x 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0", "7 (a) S 1 7 7 0 -1 -5 0 0 0 0 0 0 0 0 20 0 1 0 99 0",
    "7 (a) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99999999999999999999 0",
  ])
  func aStatThatIsNoneCountsAsGone(_ text: String) throws {
    let root = try TemporaryDirectory()
    try root.write("7/stat", text)
    let proc = ProcFS(root: root.path)
    #expect(proc.status(7) == nil && proc.startTicks(7) == nil && !proc.isAlive(7) && proc.isEnding(7))
  }

  @Test func aNumberThatIsAnothersIsNotAlive() throws {
    let proc = ProcFS()
    let ticks = try #require(proc.startTicks(getpid()))
    #expect(proc.isAlive(getpid()) && proc.isAlive(getpid(), since: ticks) && !proc.isAlive(getpid(), since: ticks + 1))
  }

  @Test func aNameWithParenthesesDoesNotShiftTheFields() throws {
    let root = try TemporaryDirectory()
    let fields = (1...40).map(String.init).joined(separator: " ")
    try root.write("7/stat", "7 (a) R 9) (b) S 5 \(fields)\n")
    let proc = ProcFS(root: root.path)
    #expect(proc.parent(7) == 5)
    #expect(proc.startTicks(7) == 18)
  }
}

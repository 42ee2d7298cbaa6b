// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement
import Foundation
import Testing

@testable import mapctl

/// What `mapctl doctor` makes of what it sees; seeing itself is tested in Tests/e2e/doctor.sh.
@Suite struct DoctorTests {
  static let kernel = KernelCheck(
    release: "6.1.0-31-amd64", machine: "x86_64", hasBTF: true, lsmList: ["lockdown", "bpf"],
    lockdown: "none [integrity] confidentiality", bpffs: "/sys/fs/bpf", isBPFFS: true, cgroups: .v2)
  static let layout = GateCheck.Layout(
    name: PinnedGate.knownLayout, programs: ["gate_lsm"], attachPoint: .lsm,
    fills: [.init(map: "bindings", used: 3, maximum: 16384)], isOfObject: true)

  private func gate(_ change: (inout GateCheck.Layout) -> Void, lsms: [String] = ["yama"]) -> [Finding] {
    var layout = Self.layout
    change(&layout)
    return GateCheck(
      pinRoot: "/pins", object: "/gate.o", pins: .found([layout]), status: nil, lsmList: lsms
    ).findings
  }

  /// The findings that are not fine, as one text each.
  private func wrong(_ findings: [Finding]) -> [String] {
    findings.filter { $0.level != .fine }.map { "\($0.level) \($0.text); \($0.remedy ?? "")" }
  }

  private func isSaid(_ words: String..., in findings: [Finding]) -> Bool {
    let said = wrong(findings)
    return said.count == 1 && words.allSatisfy { said[0].contains($0) }
  }

  @Test func aSoundNodeHasNoFindings() {
    #expect(wrong(Self.kernel.findings) == [])
    #expect(wrong(gate { _ in }) == [])
    #expect(wrong(MapdCheck(answer: .success(.good), isReplaced: false).findings) == [])
    #expect(DoctorReport(Self.kernel.findings).status == .success)
  }

  @Test func whatIsNotFineHasARemedy() {
    var bad = Self.kernel
    (bad.release, bad.machine, bad.hasBTF, bad.lsmList, bad.isBPFFS, bad.cgroups) = (
      "4.19", "arm", false, nil, false, .none
    )
    bad.lockdown = "none integrity [confidentiality]"
    #expect(wrong(bad.findings).count == 7)
    #expect(bad.findings.allSatisfy { $0.level == .fine || $0.remedy?.isEmpty == false })
  }

  @Test(arguments: [("5.9.16", false), ("5.10.0-33-amd64", true), ("6.1", true), ("7.0~rc1", true), ("4.19.0", false)])
  func theOldestKernelIs510(_ release: String, _ isFine: Bool) {
    var kernel = Self.kernel
    kernel.release = release
    #expect(wrong(kernel.findings).isEmpty == isFine)
  }

  @Test func theCgroupLayoutIsReadFromTheMounts() {
    let v2 = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
    let v1 = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
    #expect(KernelCheck.cgroupLayout(ofMounts: v2) == .v2)
    #expect(KernelCheck.cgroupLayout(ofMounts: v1) == .v1)
    #expect(KernelCheck.cgroupLayout(ofMounts: v1 + v2) == .hybrid)
    #expect(KernelCheck.cgroupLayout(ofMounts: "proc /proc proc rw 0 0\n") == .none)
  }

  @Test func theAttachPointKillIsAWarningThatSaysWhyItIsNotLSM() {
    let findings = gate { ($0.programs, $0.attachPoint) = (["gate_kill"], .kill) }
    #expect(isSaid("warning", "lsm is not used: bpf is not in", "lsm=yama,bpf", in: findings))
  }

  @Test func aGateThatIsNotWholeIsAnError() {
    #expect(
      isSaid("error", "only gate_backstop", in: gate { ($0.programs, $0.attachPoint) = (["gate_backstop"], nil) }))
    #expect(isSaid("error", "no program is attached", in: gate { $0.programs = [] }))
    #expect(isSaid("error", "missing", "rules", in: gate { $0.missingMaps = ["rules"] }))
    let none = GateCheck(pinRoot: "/pins", object: "", pins: .found([]), status: nil, lsmList: nil)
    #expect(isSaid("error", "no gate is pinned in /pins", in: none.findings))
  }

  @Test func pinsThatCannotBeSeenAreUnknownAndNotFine() {
    let hidden = GateCheck(pinRoot: "/pins", object: "", pins: .hidden("Permission denied"), status: nil, lsmList: nil)
    #expect(isSaid("unknown", "Permission denied", "as root", in: hidden.findings))
    #expect(DoctorReport(hidden.findings).status == .finding)
  }

  @Test func aProgramOfAnotherReleaseIsAWarning() {
    #expect(isSaid("warning", "not that of /gate.o", "restart mapd", in: gate { $0.isOfObject = false }))
    #expect(isSaid("unknown", "no such file", in: gate { $0.objectProblem = "no such file" }))
    #expect(isSaid("warning", "another release", in: gate { $0.name = "v9" }))
  }

  @Test(arguments: [(90, 0), (91, 1), (99, 1), (100, 2)])
  func aMapIsToldOfBeforeItIsFull(_ used: Int, _ level: Int) {
    let findings = gate { $0.fills = [.init(map: "rules", used: used, maximum: 100)] }
    #expect(findings.last?.level == [.fine, .warning, .error][level])
    #expect(DoctorReport(findings).status == [.success, .finding, .refused][level])
  }

  @Test func aSilentMapdIsAnErrorButOneThatMayNotBeAskedIsNot() throws {
    let silent = MapdCheck(answer: .failure(Failure(.unreachable, "cannot reach mapd; start mapd")))
    #expect(isSaid("error", "fail policy", "start mapd", in: silent.findings))
    let closed = MapdCheck(answer: .failure(Failure(.unreachable, "cannot reach mapd; run mapctl as root")))
    #expect(isSaid("unknown", in: closed.findings))
  }

  @Test func mapdsOwnTroublesAreFindings() {
    var status = StatusReport.good
    (status.policyProblems, status.openFailures, status.eventsLost, status.troubles) = (2, 3, 4, ["a trouble"])
    status.counters["bindingsFull"] = 1
    let findings = MapdCheck(answer: .success(status), isReplaced: true).findings
    #expect(wrong(findings).count == 6)
    #expect(DoctorReport(findings).status == .refused)
    status = .good
    status.version = "0.0.9"
    #expect(isSaid("warning", "mapd is 0.0.9", "restart mapd", in: MapdCheck(answer: .success(status)).findings))
  }

  @Test func aRuntimeThatIsHereAndNotToldIsAnError() {
    let status = HookStatus.none
    var check = HookCheck(status: .success(status), program: .missing, configurationProblem: nil, present: ["podman"])
    #expect(isSaid("error", "podman", "WITHOUT PROTECTION", "hooks install --runtime podman", in: check.findings))
    check.present = []
    #expect(isSaid("warning", "neither podman nor", in: check.findings))
  }

  @Test func theHookSaysItsReleaseAndWhatIsWrongWithItsConfiguration() {
    var check = HookCheck(
      status: .success(.podman), program: .runs(version: HookCheck.expectedVersion), configurationProblem: nil,
      present: ["podman"])
    #expect(wrong(check.findings) == [])
    check.program = .runs(version: "oci-hook 0.0.1 protocol 1")
    #expect(isSaid("warning", "another release (oci-hook 0.0.1", "hooks install", in: check.findings))
    check.program = .broken("not for this machine")
    #expect(isSaid("error", "does not run", in: check.findings))
    check.program = .runs(version: HookCheck.expectedVersion)
    check.configurationProblem = "hook.json: unknown field x"
    #expect(isSaid("error", "unknown field x", "/etc/holdfast/hook.json", in: check.findings))
  }

  private let units = """
    Id=mapd.service
    LoadState=loaded
    ActiveState=active
    UnitFileState=enabled
    NeedDaemonReload=no
    Before=containerd.service multi-user.target

    Id=mapd.socket
    LoadState=loaded
    ActiveState=active
    UnitFileState=enabled

    Id=mapd-control.socket
    LoadState=loaded
    ActiveState=active
    UnitFileState=enabled

    Id=containerd.service
    LoadState=loaded

    Id=crio.service
    LoadState=not-found
    """

  private func service(_ change: (String) -> String) -> [Finding] {
    ServiceCheck(manager: .units(ServiceCheck.units(change(units)))).findings
  }

  @Test func unitsThatAreInOrderAreFine() {
    let findings = service { $0 }
    #expect(wrong(findings) == [])
    #expect(findings.contains { $0.text == "containerd.service starts after mapd" })
    #expect(wrong(ServiceCheck(manager: .none).findings) == [])
  }

  @Test(arguments: [
    ("Before=containerd.service", "Before=", "error", "containerd.service may start before mapd"),
    ("UnitFileState=enabled\nNeed", "UnitFileState=disabled\nNeed", "warning", "systemctl enable --now mapd.service"),
    (
      "ActiveState=active\nUnitFileState=enabled\nNeed", "ActiveState=failed\nUnitFileState=enabled\nNeed", "error",
      "is failed"
    ),
    ("NeedDaemonReload=no", "NeedDaemonReload=yes", "warning", "daemon-reload"),
    ("Id=mapd.socket\nLoadState=loaded", "Id=mapd.socket\nLoadState=masked", "error", "unmask mapd.socket"),
    ("Id=mapd-control.socket", "Id=other.socket", "warning", "mapd-control.socket is not installed"),
  ])
  func aUnitThatIsNotAsItShouldBeIsToldOf(_ old: String, _ new: String, _ level: String, _ words: String) {
    #expect(isSaid(level, words, in: service { $0.replacingOccurrences(of: old, with: new) }))
  }

  @Test func theTextHasTheWorstLastAndItsRemedyBelow() {
    let report = DoctorReport([.error(.mapd, "bad \u{1b}[2J", "do this"), .fine(.kernel, "good")])
    let text = DoctorText.render(report, for: Style())
    let lines = text.split(separator: "\n")
    #expect(lines[0].hasPrefix("ok") && lines[1].hasPrefix("ERROR") && lines[2].contains("to do: do this"))
    #expect(lines[3] == "1 ERROR, 0 warning, 0 unknown, 1 ok")
    #expect(!text.contains("\u{1b}"))
  }

  @Test func anUnknownCountsAsAWarning() {
    #expect(DoctorReport([.unknown(.gate, "", "")]).status == .finding)
    #expect(DoctorReport([.unknown(.gate, "", ""), .error(.mapd, "", "")]).result == .error)
  }
}

extension HookStatus {
  fileprivate static let none = HookStatus(installed: [])
  fileprivate static let podman = HookStatus(installed: ["podman", "crio"])

  private init(installed: Set<String>) {
    self.init(
      program: HookPlaces.program, programThere: !installed.isEmpty,
      runtimes: ["podman", "crio", "containerd"].map {
        Runtime(runtime: $0, installed: installed.contains($0), problems: [])
      })
  }
}

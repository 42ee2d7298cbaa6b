// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Testing

@testable import Admission

@Suite struct ContainerIndexTests {
  private func record(_ id: String, cgroup: UInt64, binding: UInt32?) -> ContainerRecord {
    ContainerRecord(
      identity: ContainerIdentity(id: id, annotations: [:]), bundle: "/b", rootPath: nil, makesPidNamespace: true,
      pid: 5, initStartTicks: 6,
      cgroup: CgroupLocation(id: cgroup, hierarchy: 0, controller: "unified", path: "/c", directory: "/c"),
      hasStarted: true,
      bound: binding.map {
        ContainerRecord.Bound(
          binding: $0, ruleSet: 1, policies: [], mode: 3, allow: 0, rules: [], links: [], lookups: LookupRecord(),
          since: 0, sinceNanoseconds: 0)
      })
  }

  private func id(_ index: ContainerIndex, _ cgroup: UInt64, _ binding: UInt32) -> String? {
    index.container(of: CgroupKey(id: cgroup), binding: binding)?.identity.id
  }

  @Test func aContainerIsFoundByItsCgroupAndBindingUntilItIsGone() {
    let index = ContainerIndex()
    index.put("a", record("a", cgroup: 7, binding: 1))
    #expect(id(index, 7, 1) == "a" && index.isKnown(CgroupKey(id: 7)) && index.record("a") != nil)
    #expect(id(index, 8, 1) == nil && id(index, 7, 2) == nil, "of another cgroup, or of another binding there")
    index.put("a", nil)
    #expect(id(index, 7, 1) == nil && !index.isKnown(CgroupKey(id: 7)) && index.records.isEmpty)
  }

  @Test func aContainerThatIsGoneIsStillTheOneOfItsReports() {
    let index = ContainerIndex()
    let first = record("a", cgroup: 7, binding: 1)
    index.put("a", first)
    index.depart(first)
    index.put("a", nil)
    #expect(id(index, 7, 1) == "a" && index.container(of: CgroupKey(id: 7))?.identity.id == "a")
    // Its number is another one's by now: reports of the first are still told as its own.
    index.put("b", record("b", cgroup: 8, binding: 1))
    #expect(id(index, 8, 1) == "b" && id(index, 7, 1) == "a")
    // And its cgroup's as well.
    index.put("c", record("c", cgroup: 7, binding: 2))
    #expect(id(index, 7, 2) == "c" && index.container(of: CgroupKey(id: 7))?.identity.id == "c")
  }

  @Test func whatChangesIsFoundAsItIsNow() {
    let index = ContainerIndex()
    index.put("a", record("a", cgroup: 7, binding: 1))
    index.put("a", record("a", cgroup: 9, binding: 4))
    #expect(id(index, 7, 1) == nil && id(index, 9, 4) == "a" && !index.isKnown(CgroupKey(id: 7)))
    index.put("a", record("a", cgroup: 9, binding: nil))
    #expect(id(index, 9, 4) == nil && index.container(of: CgroupKey(id: 9))?.identity.id == "a")
    // Another has the binding by now: that one's is not lost when the first changes.
    index.put("b", record("b", cgroup: 5, binding: 4))
    index.put("a", nil)
    #expect(id(index, 5, 4) == "b")
  }

  @Test func oneOfTwoInACgroupMayGo() {
    let index = ContainerIndex()
    for name in ["a", "b"] { index.put(name, record(name, cgroup: 7, binding: nil)) }
    index.put("a", nil)
    #expect(index.isKnown(CgroupKey(id: 7)) && index.container(of: CgroupKey(id: 7))?.identity.id == "b")
  }

  @Test func thoseThatAreGoneDoNotPileUp() {
    let index = ContainerIndex()
    for number in 0..<5000 as Range<UInt64> { index.depart(record("a", cgroup: number, binding: 1)) }
    let kept = (0..<5000 as Range<UInt64>).filter { id(index, $0, 1) != nil }
    #expect(kept.count >= 1024 && kept.count < 2048 && kept.last == 4999 && kept.first == 5000 - UInt64(kept.count))
  }
}

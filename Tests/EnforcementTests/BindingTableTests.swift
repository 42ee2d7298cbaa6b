// SPDX-License-Identifier: Apache-2.0
import Contract
import Testing

@testable import Enforcement

func newBinding(_ cgroup: UInt64, level: Int = 3, hierarchy: UInt32 = 0) -> NewBinding {
  NewBinding(
    cgroup: CgroupKey(id: cgroup, hierarchy: hierarchy), level: level, controller: hierarchy == 0 ? .none : .pids,
    mountNamespace: 100, pidNamespace: UInt32(1000 + cgroup), hasOwnPidNamespace: true, initPid: 77,
    initStartTicks: 55, overlay: nil, runningRootMount: nil, startedSeconds: 5, startedNanoseconds: 6)
}

@Suite struct LevelTests {
  @Test func theDeepestLevelComesFirst() {
    #expect(BindingTable.pack([3, 5, 1]) == 0x01_03_05)
    #expect(BindingTable.unpack(0x01_03_05) == [5, 3, 1])
    #expect(BindingTable.pack([]) == 0 && BindingTable.unpack(0).isEmpty)
  }

  @Test func eightLevelsAndTheDeepestFit() {
    let levels: Set = [1, 2, 3, 4, 5, 6, 7, 255]
    #expect(Set(BindingTable.unpack(BindingTable.pack(levels))) == levels)
    #expect(BindingTable.unpack(BindingTable.pack(levels)).first == 255)
  }
}

/// Against the maps of the kernel that runs the tests.
@Suite(.needsBPF) struct BindingTableTests {
  @Test func aBindingIsInAllMaps() throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    let id = try table.bind(newBinding(7), to: 4)
    #expect(maps.assignment(id) == 4 && maps.levels == [3])
    #expect(maps.bindingsMap[hf_cgroup_key(id: 7, hierarchy: 0, pad: 0)]?.id == id)
    #expect(maps.pidNamespacesMap[1007]?.init_start_ticks == 55)
    #expect(table.id(of: CgroupKey(id: 7)) == id && table.cgroup(of: id) == CgroupKey(id: 7))
    #expect(!table.isSealed(CgroupKey(id: 7)))
  }

  @Test func idsOfDifferentHierarchiesDoNotMeet() throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    let first = try table.bind(newBinding(7), to: 1)
    let second = try table.bind(newBinding(7, hierarchy: 9), to: 2)
    #expect(first != second)
    table.unbind(CgroupKey(id: 7))
    #expect(table.id(of: CgroupKey(id: 7, hierarchy: 9)) == second)
  }

  @Test func aRuleSetIsInUseWhileABindingIsAssignedToIt() throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    let ids = [try table.bind(newBinding(1), to: 4), try table.bind(newBinding(2), to: 4)]
    #expect(table.isAssigned(4) && !table.isAssigned(5) && !table.isAssigned(0))
    table.assign(ids[0], 5)
    #expect(table.isAssigned(4) && table.isAssigned(5))
    table.unbind(CgroupKey(id: 2))
    #expect(!table.isAssigned(4), "its assignment is still in the map, and nobody's")
    // A next mapd counts what it finds, before it knows any record.
    let next = try maps.bindingTable()
    #expect(next.isAssigned(5) && !next.isAssigned(4))
    next.unbind(CgroupKey(id: 1))
    #expect(!next.isAssigned(5))
    // One that is refused is assigned to nothing.
    #expect(refusal { _ = try next.bind(newBinding(3, level: 0), to: 6) } != nil && !next.isAssigned(6))
  }

  @Test func numbersBetweenThoseFoundPinnedAreUsed() throws {
    let maps = try KernelMaps(bindings: 4)
    let first = try maps.bindingTable()
    for cgroup in 1...3 as ClosedRange<UInt64> { _ = try first.bind(newBinding(cgroup), to: 1) }
    first.unbind(CgroupKey(id: 2))
    let table = try maps.bindingTable()
    #expect(try table.nextID() == 1 && table.nextID() == 1, "as long as it is not taken")
    #expect(try [table.bind(newBinding(4), to: 1), table.bind(newBinding(5), to: 1)] == [1, 3])
    #expect(refusal { _ = try table.nextID() }?.kind == .full)
  }

  @Test func aSecondV1HierarchyIsRefused() throws {
    let table = try KernelMaps().bindingTable()
    _ = try table.bind(newBinding(1, hierarchy: 9), to: 1)
    #expect(refusal { _ = try table.bind(newBinding(2, hierarchy: 8), to: 1) }?.kind == .unsupported)
  }

  @Test func aCgroupIsBoundOnce() throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    let id = try table.bind(newBinding(7), to: 1)
    #expect(refusal { _ = try table.bind(newBinding(7), to: 2) }?.kind == .unsupported)
    #expect(maps.assignment(id) == 1 && table.count == 1)
  }

  @Test func anAssignmentIsOneStore() throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    let first = try table.bind(newBinding(1), to: 1)
    let second = try table.bind(newBinding(2), to: 2)
    table.assign(first, 3)
    #expect(maps.assignment(first) == 3 && maps.assignment(second) == 2 && table.ruleSet(of: first) == 3)
  }

  @Test(arguments: [0, 256, -1]) func aLevelThatTheGateCannotLookAtIsRefused(_ level: Int) throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    #expect(refusal { _ = try table.bind(newBinding(1, level: level), to: 1) }?.kind == .unsupported)
    #expect(table.count == 0 && maps.levels.isEmpty && maps.pidNamespacesMap.keys().isEmpty)
  }

  @Test func theNinthLevelIsRefusedUntilOneIsFree() throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    for level in 1...8 { _ = try table.bind(newBinding(UInt64(level), level: level), to: 1) }
    #expect(refusal { _ = try table.bind(newBinding(9, level: 9), to: 1) }?.kind == .full)
    #expect(table.count == 8 && maps.levels == [8, 7, 6, 5, 4, 3, 2, 1])
    #expect(maps.pidNamespacesMap[1009] == nil)
    table.unbind(CgroupKey(id: 4))
    _ = try table.bind(newBinding(9, level: 9), to: 1)
    #expect(maps.levels == [9, 8, 7, 6, 5, 3, 2, 1])
  }

  @Test func levelsOfAnEarlierMapdAreKeptWhileTheyAreNotKnown() throws {
    let maps = try KernelMaps()
    let first = try maps.bindingTable()
    for level in 1...8 { _ = try first.bind(newBinding(UInt64(level), level: level), to: 1) }
    let second = try maps.bindingTable()
    second.unbind(CgroupKey(id: 4))
    #expect(refusal { _ = try second.bind(newBinding(9, level: 9), to: 1) }?.kind == .full)
    for level in 1...8 where level != 4 { second.recall(CgroupKey(id: UInt64(level)), level: level) }
    _ = try second.bind(newBinding(9, level: 9), to: 1)
    #expect(maps.levels.contains(9) && !maps.levels.contains(4))
  }

  @Test func whenTheBindingsAreFullTheNextIsRefused() throws {
    let maps = try KernelMaps(bindings: 2)
    let table = try maps.bindingTable()
    _ = try table.bind(newBinding(1), to: 1)
    _ = try table.bind(newBinding(2), to: 1)
    let error = refusal { _ = try table.bind(newBinding(3, level: 4), to: 1) }
    #expect(error?.kind == .full && error?.description.contains("2 containers") == true)
    #expect(maps.levels == [3] && maps.pidNamespacesMap.keys().count == 2)
    table.unbind(CgroupKey(id: 1))
    #expect(try table.bind(newBinding(3), to: 1) == 0, "the number is free again")
  }

  @Test func pidNamespacesThatLostTheirBindingAreRemovedAtTheStart() throws {
    let maps = try KernelMaps(bindings: 2)
    try maps.insertLonePidNamespaces()
    _ = try maps.bindingTable()
    #expect(maps.pidNamespacesMap.keys().isEmpty)
  }

  @Test func aFailedBindingLeavesNothingBehind() throws {
    let maps = try KernelMaps(bindings: 2)
    let table = try maps.bindingTable()
    try maps.insertLonePidNamespaces()
    #expect(refusal { _ = try table.bind(newBinding(5, level: 6), to: 3) }?.kind == .full)
    #expect(table.count == 0 && maps.bindingsMap.keys().isEmpty)
    #expect(maps.levels.isEmpty && maps.assignment(0) == 0)
  }

  @Test func unbindTakesTheBindingOutOfAllMaps() throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    let id = try table.bind(newBinding(7), to: 4)
    #expect(table.unbind(CgroupKey(id: 7)))
    #expect(maps.bindingsMap.keys().isEmpty && maps.pidNamespacesMap.keys().isEmpty)
    #expect(maps.assignment(id) == 4 && table.count == 0, "an exec that is being judged may still read it")
    #expect(!table.unbind(CgroupKey(id: 7)))
  }

  @Test func unbindKeepsAPidNamespaceThatIsAnothersByNow() throws {
    let maps = try KernelMaps()
    let table = try maps.bindingTable()
    _ = try table.bind(newBinding(7), to: 1)
    var reused = newBinding(8)
    reused.pidNamespace = 1007
    reused.initStartTicks = 99
    _ = try table.bind(reused, to: 1)
    table.unbind(CgroupKey(id: 7))
    #expect(maps.pidNamespacesMap[1007]?.init_start_ticks == 99)
  }

  @Test func aTableOpenedAnewKeepsBindingsAndReusesNoId() throws {
    let maps = try KernelMaps()
    let first = try maps.bindingTable()
    let ids = try (1...3).map { try first.bind(newBinding($0), to: 5) }
    first.unbind(CgroupKey(id: 2))
    let second = try maps.bindingTable()
    #expect(second.count == 2 && second.ruleSet(of: ids[0]) == 5)
    #expect(second.id(of: CgroupKey(id: 3)) == ids[2])
    #expect(try second.bind(newBinding(4), to: 6) == ids[1])
    #expect(maps.assignment(ids[0]) == 5 && maps.assignment(ids[2]) == 5)
  }
}

extension KernelMaps {
  /// As a mapd leaves them that is killed between the two entries of a binding.
  fileprivate func insertLonePidNamespaces() throws {
    for number in [1, 2] as [UInt32] {
      try pidNamespacesMap.insert(hf_pid_ns(binding: CgroupKey(id: 90).contract, init_start_ticks: 1), for: number)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Contract
import Testing

@testable import Enforcement

/// Against the maps of the kernel that runs the tests.
@Suite(.needsBPF) struct RuleSetTableTests {
  private func set(_ paths: String..., mode: Mode = .protect) -> RuleSet {
    RuleSet(mode: mode, rules: Dictionary(uniqueKeysWithValues: paths.map { ($0, .executable) }))
  }

  @Test func aNewRuleSetIsInTheMaps() throws {
    let maps = try KernelMaps()
    let table = try maps.ruleSetTable()
    let id = try table.add(set("/a", "/b"))
    #expect(id == 1, "0 stays free: an assignment of 0 is no rule set")
    #expect(maps.word(id) == set("/a").word(generation: 1))
    #expect(try maps.rule(id, 1, "/a") == UInt64(HF_RULE_EXECUTABLE))
    #expect(try maps.rule(id, 1, "/c") == nil)
    #expect(table.find(set("/a", "/b")) == id)
    #expect(table.rulesCount == 2)
  }

  @Test func aChangeIsANewGenerationAndTheOldOneGoesAtCollect() throws {
    let maps = try KernelMaps()
    let table = try maps.ruleSetTable()
    let id = try table.add(set("/a", "/b"))
    let before = maps.word(id)
    try table.replace(id, with: set("/b", "/c"))
    #expect(maps.word(id) == before + 1)
    #expect(try maps.rule(id, 2, "/c") != nil)
    #expect(try maps.rule(id, 2, "/a") == nil)
    // an exec that has read the old word still finds its rules
    #expect(try maps.rule(id, 1, "/a") != nil)
    table.collect()
    #expect(try maps.rule(id, 1, "/a") == nil)
    #expect(try maps.rule(id, 1, "/b") == nil)
    #expect(try maps.rule(id, 2, "/b") != nil)
    #expect(table.rulesCount == 2)
    #expect(maps.rulesMap.keys().count == 2)
  }

  @Test func rulesThatAScriptWasJudgedByStayForItsInterpreter() throws {
    let maps = try KernelMaps(rules: 4)
    let table = try maps.ruleSetTable()
    let id = try table.add(set("/script", "/interpreter"))
    try maps.begin(exec: 7, by: maps.word(id), of: id)
    try table.replace(id, with: set("/c"))
    table.collect()
    #expect(try maps.rule(id, 1, "/interpreter") != nil)
    #expect(table.rulesCount == 3)
    maps.chainsMap.remove(7)
    table.collect()
    #expect(try maps.rule(id, 1, "/interpreter") == nil)
    #expect(table.rulesCount == 1)
  }

  @Test func anExecThatFailedAfterItsScriptKeepsNoRulesForLong() throws {
    let maps = try KernelMaps(rules: 4)
    let table = try maps.ruleSetTable()
    let id = try table.add(set("/script", "/interpreter"))
    try maps.begin(exec: 7, by: maps.word(id), of: id, ago: RuleSetTable.chainMax)
    try table.replace(id, with: set("/c"))
    table.collect()
    #expect(table.rulesCount == 1)
    // nor when there is no room for new ones
    try maps.begin(exec: 8, by: maps.word(id), of: id)
    try table.replace(id, with: set("/d", "/e"))
    table.collect()
    #expect(table.rulesCount == 3)
    try table.replace(id, with: set("/f", "/g"))
    #expect(try maps.rule(id, 2, "/c") == nil)
  }

  @Test func theSameContentChangesNothing() throws {
    let maps = try KernelMaps()
    let table = try maps.ruleSetTable()
    let id = try table.add(set("/a"))
    try table.replace(id, with: set("/a"))
    #expect(table.generation(of: id) == 1)
  }

  @Test func whenTheRulesAreFullTheOldGenerationStaysInForce() throws {
    let maps = try KernelMaps(rules: 4)
    let table = try maps.ruleSetTable()
    let id = try table.add(set("/a", "/b"))
    let before = maps.word(id)
    let error = refusal { try table.replace(id, with: set("/c", "/d", "/e")) }
    #expect(error?.kind == .full)
    #expect(error?.description.contains("rules is full (4 entries)") == true)
    #expect(maps.word(id) == before)
    #expect(maps.rulesMap.keys().count == 2, "nothing of the failed change is left")
    #expect(try maps.rule(id, 1, "/a") != nil)
    #expect(table.content(of: id) == set("/a", "/b"))
    #expect(table.rulesCount == 2)
    // and a change that fits goes through
    try table.replace(id, with: set("/c"))
    #expect(table.generation(of: id) == 2)
  }

  @Test func aRefusedPathChangesNothing() throws {
    let maps = try KernelMaps()
    let table = try maps.ruleSetTable()
    let id = try table.add(set("/a"))
    let before = maps.word(id)
    #expect(refusal { try table.replace(id, with: set("/c", "/")) }?.kind == .unsupported)
    #expect(maps.word(id) == before)
    #expect(maps.rulesMap.keys().count == 1)
  }

  @Test func whenTheRuleSetsAreFullTheNextIsRefused() throws {
    let maps = try KernelMaps(ruleSets: 3)
    let table = try maps.ruleSetTable()
    #expect(table.maximum == 2)
    _ = try table.add(set("/a"))
    _ = try table.add(set("/b"))
    #expect(refusal { _ = try table.add(set("/c")) }?.kind == .full)
    #expect(maps.rulesMap.keys().count == 2)
  }

  @Test func aNumberUsedAgainHasAHigherGeneration() throws {
    let maps = try KernelMaps()
    let table = try maps.ruleSetTable()
    let id = try table.add(set("/a"))
    table.remove(id)
    #expect(table.find(set("/a")) == nil)
    #expect(maps.word(id) & HF_RULE_SET_VALID_BIT != 0, "an exec that is being judged may still read it")
    #expect(try table.add(set("/other")) != id, "and no other rules may come under its number yet")
    table.collect()
    #expect(maps.word(id) & HF_RULE_SET_VALID_BIT == 0)
    let again = try table.add(set("/b"))
    #expect(again == id && table.generation(of: id) == 2)
    table.collect()
    #expect(maps.rulesMap.keys().count == 2)
  }

  @Test func roomThatIsMadeOnTheWayGivesNoNumberOutTwice() throws {
    let maps = try KernelMaps(rules: 4)
    let table = try maps.ruleSetTable()
    let ended = try table.add(set("/a", "/b"))
    _ = try table.add(set("/c"))
    table.remove(ended)
    // Fits when the rules of the one that ended are gone, and gives its number back.
    let third = try table.add(set("/d", "/e"))
    let fourth = try table.add(set("/f"))
    #expect(fourth == ended && third != ended)
    #expect(table.content(of: third) == set("/d", "/e") && table.count == 3)
    #expect(try maps.rule(third, 1, "/d") != nil)
    // Nor does one that does not fit keep its number.
    table.remove(fourth)
    #expect(refusal { _ = try table.add(set("/g", "/h")) }?.kind == .full)
    table.collect()
    #expect(Set([try table.add(set("/i"))]).isDisjoint(with: [third]))
  }

  @Test func aRuleSetIsFoundByWhatItSaysNow() throws {
    let table = try KernelMaps().ruleSetTable()
    let id = try table.add(set("/a"))
    try table.replace(id, with: set("/b"))
    #expect(table.find(set("/a")) == nil && table.find(set("/b")) == id)
    #expect(table.find(set("/b", mode: .monitor)) == nil)
    table.remove(id)
    #expect(table.find(set("/b")) == nil)
  }

  /// A mapd before has left two of one content: that one goes does not hide the other.
  @Test func oneOfTwoEqualRuleSetsMayGo() throws {
    let maps = try KernelMaps()
    let first = try maps.ruleSetTable()
    let ids = [try first.add(set("/a")), try first.add(set("/a"))]
    let table = try maps.ruleSetTable()
    for id in ids { table.recall(set("/a"), as: id) }
    #expect(table.find(set("/a")) == ids[0])
    table.remove(ids[0])
    #expect(table.find(set("/a")) == ids[1])
    table.remove(ids[1])
    #expect(table.find(set("/a")) == nil)
  }

  @Test func numbersBetweenThoseFoundPinnedAreUsed() throws {
    let maps = try KernelMaps(ruleSets: 6)
    let first = try maps.ruleSetTable()
    for path in ["/a", "/b", "/c", "/d"] { _ = try first.add(set(path)) }
    first.remove(2)
    first.collect()
    let table = try maps.ruleSetTable()
    #expect(try [table.add(set("/e")), table.add(set("/f"))] == [2, 5] && table.generation(of: 2) == 2)
    #expect(refusal { _ = try table.add(set("/g")) }?.kind == .full)
  }

  @Test func aTableOpenedAnewFindsWhatIsInForce() throws {
    let maps = try KernelMaps()
    var first: RuleSetTable? = try maps.ruleSetTable()
    let id = try first!.add(set("/a", "/b", mode: .monitor))
    let word = maps.word(id)
    first = nil
    let second = try maps.ruleSetTable()
    #expect(second.count == 1 && second.generation(of: id) == 1 && second.mode(of: id) == .monitor)
    #expect(second.rulesCount(of: id) == 2 && maps.word(id) == word)
    #expect(try maps.rule(id, 1, "/a") != nil)
    #expect(second.find(set("/a", "/b", mode: .monitor)) == nil, "its paths are not known")
    #expect(try second.add(set("/z")) == 2)
  }

  @Test func theRestOfAChangeThatWasCutOffIsDeleted() throws {
    let maps = try KernelMaps()
    let id = try maps.ruleSetTable().add(set("/a"))
    // mapd died between writing generation 2 and the switch, and long ago with set 5
    for key in [
      hf_rule_key(rule_set: id, generation: 2, path: (8, 8)), hf_rule_key(rule_set: 5, generation: 1, path: (9, 9)),
    ] { try maps.rulesMap.insert(1, for: key) }
    let table = try maps.ruleSetTable()
    #expect(maps.rulesMap.keys().count == 1 && table.rulesCount == 1)
    #expect(try maps.rule(id, 1, "/a") != nil)
  }

  @Test func aRecordIsBelievedWhenTheMapsSayTheSame() throws {
    let maps = try KernelMaps()
    let id = try maps.ruleSetTable().add(set("/a"))
    for wrong in [set("/b"), set("/a", "/b"), set("/a", mode: .monitor)] {
      let table = try maps.ruleSetTable()
      table.recall(wrong, as: id)
      #expect(table.content(of: id) == nil)
    }
    let table = try maps.ruleSetTable()
    table.recall(set("/a"), as: id)
    #expect(table.find(set("/a")) == id)
  }

  @Test func aRecordWithOtherUsesOfTheSamePathsIsNotBelieved() throws {
    let maps = try KernelMaps()
    let id = try maps.ruleSetTable().add(RuleSet(mode: .protect, rules: ["/a": [.executable, .interpreter]]))
    let table = try maps.ruleSetTable()
    table.recall(set("/a"), as: id)
    #expect(table.content(of: id) == nil)
  }
}

private let HF_RULE_SET_VALID_BIT: UInt64 = 1 << 40

// SPDX-License-Identifier: Apache-2.0
import Contract
import Shared
import Testing

@testable import Enforcement

@Suite struct RuleSetTests {
  private let secret = KernelMaps.secret

  private func key(_ path: String) throws -> PathKey {
    try PathKey(secret: secret, path: Array(path.utf8))
  }

  @Test func wordHoldsGenerationModeAndRelaxations() {
    let set = RuleSet(mode: .protect, allow: [.anonymousFiles, .writableLayer], rules: ["/bin/a": .executable])
    #expect(set.word(generation: 7) == 7 | 3 << 32 | 1 << 40 | 1 << 50 | 1 << 51)
    #expect(RuleSet(mode: .learn).word(generation: .max) == 0xffff_ffff | 1 << 32 | 1 << 40)
    #expect(RuleSet(mode: .monitor, allow: [.nestedNamespaces, .laterMounts]).word(generation: 0) >> 48 == 3)
  }

  @Test func wordTellsOfDirectoryRules() {
    #expect(RuleSet(mode: .monitor, rules: ["/opt": .directory]).word(generation: 1) & 1 << 41 != 0)
    #expect(RuleSet(mode: .monitor, rules: ["/opt": .executable]).word(generation: 1) & 1 << 41 == 0)
  }

  @Test func usesOfAPathAreJoined() throws {
    var set = RuleSet(mode: .protect)
    set.add("/bin/sh", .interpreter)
    set.add("/bin/sh", .executable)
    let entries = try set.entries(secret)
    #expect(entries == [try key("/bin/sh"): UInt64(HF_RULE_EXECUTABLE | HF_RULE_INTERPRETER)])
  }

  @Test func depthMaskLiesUnderTheRootsKey() throws {
    let rules: [String: RuleSet.Use] = ["/a": .directory, "/a/b/c": .directory, "/x/y": .executable]
    let entries = try RuleSet(mode: .protect, rules: rules).entries(secret)
    #expect(entries.count == 4)
    #expect(entries[.root] == 1 << 1 | 1 << 3)
    #expect(entries[try key("/a/b/c")] == UInt64(HF_RULE_DIRECTORY))
  }

  @Test func withoutDirectoryRulesThereIsNoDepthMask() throws {
    #expect(try RuleSet(mode: .protect, rules: ["/a": .executable]).entries(secret)[.root] == nil)
  }

  @Test func theRootIsRefused() {
    for use in [RuleSet.Use.executable, .directory, .interpreter] {
      let error = refusal { _ = try RuleSet(mode: .protect, rules: ["/": use]).entries(secret) }
      #expect(error?.kind == .unsupported)
      #expect("\(error.map { "\($0)" } ?? "")".contains("every file"))
    }
  }

  @Test func directoriesAreTakenDownTo63Components() throws {
    let deepest = String(repeating: "/d", count: 63)
    let entries = try RuleSet(mode: .protect, rules: [deepest: .directory]).entries(secret)
    #expect(entries[.root] == 1 << 63)
    let deeper = RuleSet(mode: .protect, rules: [deepest + "/d": .directory])
    #expect(refusal { _ = try deeper.entries(secret) }?.kind == .unsupported)
    #expect(try RuleSet(mode: .protect, rules: [deepest + "/d": .executable]).entries(secret).count == 1)
  }

  @Test(arguments: [
    "bin/a", "", "/a/../b", "/./a", "/a\0b", "/" + String(repeating: "x", count: 256),
    String(repeating: "/d", count: 65),
  ])
  func pathsWithoutAKeyAreRefused(_ path: String) {
    let set = RuleSet(mode: .protect, rules: [path: .executable])
    #expect(refusal { _ = try set.entries(secret) }?.kind == .unsupported)
  }

  @Test func manyRulesHaveAnEntryEach() throws {
    var set = RuleSet(mode: .protect)
    for index in 0..<5000 { set.add("/usr/bin/tool-\(index)", .executable) }
    #expect(try set.entries(secret).count == 5000)
  }

  @Test func namesThatOnlyLookEqualAreTwoRules() throws {
    // One scalar, and a letter with a combining accent: two files to the kernel.
    var set = RuleSet(mode: .protect)
    set.add("/bin/\u{e9}", .executable)
    set.add("/bin/e\u{301}", .executable)
    let entries = try set.entries(secret)
    #expect(entries.count == 2)
    let a = RuleSet(mode: .protect, rules: ["/bin/\u{e9}": .executable])
    let b = RuleSet(mode: .protect, rules: ["/bin/e\u{301}": .executable])
    #expect(a != b)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Foundation
import Testing

@testable import Admission
@testable import Policy

@Suite struct RuleCompilerTests {
  private func policy(
    _ paths: String..., mode: PolicyMode = .protect, implied: Bool = true, relaxations: Relaxations = []
  ) throws -> EffectivePolicy {
    EffectivePolicy(
      mode: mode, rules: try paths.map { PathRule(try ExecutablePath($0), interpretersImplied: implied) },
      relaxations: relaxations, policies: [PolicyName(name: "web")], isOtherContainer: false)
  }

  private func compile(_ policy: EffectivePolicy, in directory: TemporaryDirectory? = nil) throws -> CompiledRules {
    RuleCompiler(root: try directory.map { try RootFilesystem($0.path) }).compile(policy)
  }

  @Test func withoutARootPathsAreTakenAsWritten() throws {
    let compiled = try compile(try policy("/bin/a", "/opt/"))
    #expect(compiled.ruleSet.byPath == ["/bin/a": .executable, "/opt": .directory])
    #expect(compiled.links.isEmpty)
  }

  @Test func modesAndRelaxationsAreTakenOver() throws {
    let all: [(PolicyMode, Mode)] = [(.learn, .learn), (.monitor, .monitor), (.protect, .protect)]
    for (mode, wanted) in all { #expect(try compile(try policy(mode: mode)).ruleSet.mode == wanted) }
    let each: [(Relaxations, RuleSet.Flags)] = [
      (.nestedNamespaces, .nestedNamespaces), (.laterMounts, .laterMounts), (.anonymousFiles, .anonymousFiles),
      (.writableLayer, .writableLayer), ([], []),
    ]
    for (one, wanted) in each { #expect(try compile(try policy(relaxations: one)).ruleSet.allow == wanted) }
  }

  @Test func aListedLinkIsWhereItLeadsAndBothAreTold() throws {
    let directory = try TemporaryDirectory()
    try directory.write("usr/bin/busybox")
    try directory.link("bin", to: "usr/bin")
    try directory.link("usr/bin/sh", to: "busybox")
    let compiled = try compile(try policy("/bin/sh", "/bin/", "/usr/bin/busybox"), in: directory)
    #expect(compiled.ruleSet.byPath == ["/usr/bin/busybox": .executable, "/usr/bin": .directory])
    #expect(
      Set(compiled.links) == [
        ResolvedLink(listed: "/bin/sh", resolved: "/usr/bin/busybox"),
        ResolvedLink(listed: "/bin", resolved: "/usr/bin"),
      ])
  }

  @Test func whatIsNotThereIsListedAsWritten() throws {
    let directory = try TemporaryDirectory()
    let compiled = try compile(try policy("/later/tool"), in: directory)
    #expect(compiled.ruleSet.byPath == ["/later/tool": .executable] && compiled.links.isEmpty)
  }

  @Test func aScriptBringsItsInterpreterUnlessInterpretersAreListed() throws {
    let directory = try TemporaryDirectory()
    try directory.write("bin/real")
    try directory.link("bin/sh", to: "real")
    try directory.write("run", "#!/bin/sh\n")
    #expect(
      try compile(try policy("/run"), in: directory).ruleSet.byPath
        == ["/run": .executable, "/bin/real": .interpreter])
    #expect(try compile(try policy("/run", implied: false), in: directory).ruleSet.byPath == ["/run": .executable])
    #expect(
      try compile(try policy("/run", "/bin/sh"), in: directory).ruleSet.byPath["/bin/real"] == [
        .executable, .interpreter,
      ])
  }

  @Test func aChainOfScriptsBringsAllItsInterpreters() throws {
    let directory = try TemporaryDirectory()
    try directory.write("s1", "#!/s2\n")
    try directory.write("s2", "#!/s3\n")
    try directory.write("s3", "#!/end\n")
    try directory.write("end")
    let rules = try compile(try policy("/s1"), in: directory).ruleSet.byPath
    #expect(rules == ["/s1": .executable, "/s2": .interpreter, "/s3": .interpreter, "/end": .interpreter])
  }

  @Test func aLoopOfScriptsEnds() throws {
    let directory = try TemporaryDirectory()
    try directory.write("s1", "#!/s2\n")
    try directory.write("s2", "#!/s1\n")
    let rules = try compile(try policy("/s1"), in: directory).ruleSet.byPath
    #expect(rules == ["/s1": [.executable, .interpreter], "/s2": .interpreter])
  }

  @Test func moreInterpretersThanTheKernelFollowsAreLeftOut() throws {
    let directory = try TemporaryDirectory()
    for index in 0..<9 { try directory.write("s\(index)", "#!/s\(index + 1)\n") }
    let rules = try compile(try policy("/s0"), in: directory).ruleSet.byPath
    #expect(Set(rules.keys) == ["/s0", "/s1", "/s2", "/s3", "/s4", "/s5"])
  }

  @Test func aRelativeInterpreterIsNoRule() throws {
    let directory = try TemporaryDirectory()
    try directory.write("run", "#!python\n")
    #expect(try compile(try policy("/run"), in: directory).ruleSet.byPath == ["/run": .executable])
  }

  @Test(arguments: ["/", "/none/../x", "/./none", "/none/" + String(repeating: "y", count: 200)])
  func aScriptCannotMakeItsContainersRulesUnusable(_ interpreter: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write("run", "#!\(interpreter)\n")
    let rules = try compile(try policy("/run"), in: directory).ruleSet.byPath
    #expect(rules == ["/run": .executable])
  }
}

extension RuleSet {
  fileprivate var byPath: [String: Use] {
    Dictionary(uniqueKeysWithValues: rules.map { (String(decoding: $0.key, as: UTF8.self), $0.value) })
  }
}

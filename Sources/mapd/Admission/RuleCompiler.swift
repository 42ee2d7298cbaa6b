// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Policy

/// A listed path that is a symbolic link in the container, and where it leads.
public struct ResolvedLink: Codable, Hashable, Sendable {
  public var listed: String
  public var resolved: String
}

/// The rules of a policy as one container's files make them.
public struct CompiledRules: Sendable {
  public var ruleSet: RuleSet
  public var links: [ResolvedLink]
}

/// Turns listed paths into what the gate will see: it walks real paths, so symbolic links
/// are followed here, inside the container's root.
struct RuleCompiler {
  /// binfmt_script gives up after this many interpreters that are scripts themselves.
  static let interpretersMax = 5

  /// nil: no root to look at. Paths are taken as they are written.
  let root: (any PathLookup)?

  func compile(_ policy: EffectivePolicy) -> CompiledRules {
    var compiled = CompiledRules(
      ruleSet: RuleSet(mode: Mode(policy.mode), allow: RuleSet.Flags(policy.relaxations)), links: [])
    for rule in policy.rules {
      let target = root?.resolve(rule.path)
      let path = target?.path ?? rule.path
      if !path.utf8.elementsEqual(rule.path.utf8) {
        compiled.links.append(ResolvedLink(listed: rule.path, resolved: path))
      }
      compiled.ruleSet.add(path, rule.isDirectory ? .directory : .executable)
      if rule.interpretersImplied { addInterpreters(of: target, to: &compiled.ruleSet) }
    }
    return compiled
  }

  private func addInterpreters(of script: LookedUp?, to ruleSet: inout RuleSet) {
    var next = script?.interpreter
    for _ in 0..<Self.interpretersMax {
      // One that is not there cannot run either.
      guard let interpreter = next, interpreter.hasPrefix("/"), let target = root?.resolve(interpreter),
        !target.isDirectory
      else { return }
      ruleSet.add(target.path, .interpreter)
      next = target.interpreter
    }
  }
}

extension Mode {
  init(_ mode: PolicyMode) {
    switch mode {
    case .learn: self = .learn
    case .monitor: self = .monitor
    case .protect: self = .protect
    }
  }
}

extension RuleSet.Flags {
  init(_ relaxations: Relaxations) {
    self = []
    if relaxations.contains(.nestedNamespaces) { insert(.nestedNamespaces) }
    if relaxations.contains(.laterMounts) { insert(.laterMounts) }
    if relaxations.contains(.anonymousFiles) { insert(.anonymousFiles) }
    if relaxations.contains(.writableLayer) { insert(.writableLayer) }
  }
}

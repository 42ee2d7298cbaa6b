// SPDX-License-Identifier: Apache-2.0
import CBPF
import Contract
import Glibc

/// What is pinned, looked at and not touched, whether a mapd runs or not: for `mapctl doctor`.
public struct PinnedGate {
  public struct Fill: Sendable, Equatable {
    public var map: String
    public var used: Int
    public var maximum: Int

    public init(map: String, used: Int, maximum: Int) {
      self.map = map
      self.used = used
      self.maximum = maximum
    }
  }

  private let pins: Pins
  private let links: [PinnedLink]

  /// All layouts below `pinRoot`; more than one while a mapd of another release takes over.
  /// - Throws: when the pins cannot be looked at.
  public static func all(below pinRoot: String) throws(EnforcementError) -> [PinnedGate] {
    guard access(pinRoot, F_OK) == 0 || errno != ENOENT else { return [] }
    guard access(pinRoot, R_OK | X_OK) == 0 else { throw .current("open the pin directory \(pinRoot)") }
    guard KernelFeatures.isBPFFS(pinRoot) else {
      throw EnforcementError("\(pinRoot) is not on a bpf filesystem", kind: .unsupported)
    }
    return Pins.all(below: pinRoot).map { PinnedGate(pins: $0, links: $0.links()) }
  }

  /// Of this program's own contract.
  public static var knownLayout: String { "v\(HF_LAYOUT)" }

  /// Name of the directory: `v1`.
  public var layout: String { pins.directory.split(separator: "/").last.map(String.init) ?? "" }
  public var directory: String { pins.directory }

  /// Names of the attached programs; empty: nothing is enforced.
  public var programs: [String] {
    links.compactMap { $0.path.split(separator: "/").last }.map { String($0.dropFirst(Pins.linkPrefix.count)) }
  }

  /// The attach point whose programs are all attached.
  public var attachPoint: AttachPoint? {
    AttachPoint.allCases.first { Set($0.programs).isSubset(of: programs) }
  }

  public var missingMaps: [String] { GateObject.pinnedMaps.filter { !pins.exists(pins.map($0)) } }

  /// Entries of the maps that fill up, at about this moment.
  public var fills: [Fill] {
    ["bindings", "rules", "reports"].compactMap { name in
      MapHandle(pinned: pins.map(name)).map { Fill(map: name, used: $0.keys().count, maximum: $0.info.maximum) }
    }
  }

  /// Are the attached programs those of an object file, or of the faster one beside it? They are
  /// loaded for that, on the maps that are pinned, and attached nowhere.
  /// - Returns: nil when it cannot be told: the maps are not whole, or of another layout.
  public func isOf(object path: String) throws(EnforcementError) -> Bool? {
    guard let attachPoint, missingMaps.isEmpty else { return nil }
    let object = try GateObject(path: path)
    guard "v\(object.layout)" == layout else { return false }
    let specs = try object.checkedSpecs()
    for name in GateObject.pinnedMaps {
      guard let map = MapHandle(pinned: pins.map(name)), specs[name]?.fits(map.info) == true else { return nil }
    }
    let files = try GateFiles(path: path, configured: object, kernel: .read()).paths
    for file in files {
      do throws(EnforcementError) {
        if try isBehind(attachPoint, object: GateObject(path: file)) { return true }
      } catch  where file != path {
        continue  // a kernel that does not take the faster one
      }
    }
    return false
  }

  private func isBehind(_ attachPoint: AttachPoint, object: GateObject) throws(EnforcementError) -> Bool {
    try object.load(attachPoint, sizes: MapSizes(), pins: pins)
    for program in attachPoint.programs {
      guard let link = links.first(where: { $0.path == pins.link(program) }) else { return false }
      guard try object.isBehind(link, program) else { return false }
    }
    return true
  }
}

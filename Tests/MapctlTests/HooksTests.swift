// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import mapctl

/// `mapctl hooks` on the files of a system below a folder.
@Suite final class HooksTests {
  private let root = NSTemporaryDirectory() + "hooks-\(UUID().uuidString.prefix(8))"
  private var binary: String { root + "/new-hook" }

  init() throws {
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    try write("/new-hook", "\u{7f}ELF hook")
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  private func write(_ path: String, _ text: String) throws {
    let folder = (root + path as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: root + path))
  }

  private func read(_ path: String) -> String? { try? String(contentsOfFile: root + path, encoding: .utf8) }
  private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + path) }

  private func hooks(_ verb: String, _ runtime: String? = nil, _ more: String...) throws -> Result {
    let target = runtime.map { ["--runtime", $0] } ?? []
    let source = verb == "install" ? ["--binary", binary] : []
    return try mapctl(["hooks", verb, "--root", root] + target + source + more)
  }

  private let files = HookFile.stages.map { HookPlaces.hooks + "/holdfast-\($0).json" }
  private let spec =
    #"{"ociVersion":"1.0","linux":{"big":18446744073709551615},"hooks":{"poststop":[{"path":"/other"}]}}"#

  @Test func `what is installed for podman is what the project ships`() throws {
    #expect(try hooks("install", "podman").status == .success)
    let shipped = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../hooks.d").standardized
    for stage in HookFile.stages {
      let name = "holdfast-\(stage).json"
      let ours = try JSONValue(parsing: Array(Data(contentsOf: shipped.appendingPathComponent(name))))
      #expect(try JSONValue(parsing: Array((read(HookPlaces.hooks + "/" + name) ?? "").utf8)) == ours)
      #expect(HookSchema.problems(ours) == [])
    }
    #expect(read(HookPlaces.program) == "\u{7f}ELF hook")
    #expect(try hooks("status").status == .success)
  }

  @Test func `the program comes first at install and goes last at removal`() throws {
    let places = HookPlaces(root: root)
    let installer = HookInstaller(places: places, runtime: .podman)
    let plan = try installer.install(program: [1]) { [] }
    let written = plan.steps.map { if case .write(let path, _, _) = $0 { path } else { "" } }
    #expect(written == [places(HookPlaces.program)] + files.reversed().map { root + $0 })
    try plan.carryOut()
    #expect(try installer.uninstall().steps == files.map { .remove(path: root + $0) } + [.remove(path: written[0])])
  }

  @Test func `a second install changes nothing`() throws {
    _ = try hooks("install", "crio")
    let again = try hooks("install", "crio")
    #expect(again.output.components(separatedBy: "\n").filter { $0.hasPrefix("unchanged ") }.count == 4)
    #expect(!again.output.contains("wrote"))
  }

  @Test func `a dry run changes nothing and says what it would`() throws {
    let result = try hooks("install", "podman", "--dry-run")
    #expect(result.output.contains("would write \(root)\(HookPlaces.program)"))
    #expect(!exists("/usr"))
    _ = try hooks("install", "podman")
    #expect(try hooks("uninstall", "podman", "--dry-run").output.contains("would remove"))
    #expect(files.allSatisfy(exists) && exists(HookPlaces.program))
  }

  @Test func `an install that fails on the way leaves no name without its program`() throws {
    // the folder of the hooks cannot be made: a file is in its place
    try write("/usr/share/containers", "")
    let result = try hooks("install", "podman")
    #expect(result.status == .refused && result.errors.contains("/usr/share/containers"))
    #expect(exists(HookPlaces.program))
  }

  @Test func `a program that is missing is a finding, because podman skips it silently`() throws {
    _ = try hooks("install", "podman")
    try FileManager.default.removeItem(atPath: root + HookPlaces.program)
    let result = try hooks("status")
    #expect(result.status == .finding)
    #expect(result.output.contains("containers start WITHOUT PROTECTION"))
  }

  @Test func `nothing installed is a finding`() throws {
    #expect(try hooks("status").status == .finding)
  }

  @Test func `another version beside it is told of and left alone`() throws {
    _ = try hooks("install", "podman")
    try write("/usr/libexec/holdfast-0.0.9/holdfast/oci-hook", "old")
    chmod(root + "/usr/libexec/holdfast-0.0.9/holdfast/oci-hook", 0o755)
    let old = HookFile(program: "/usr/libexec/holdfast-0.0.9/holdfast/oci-hook", timeout: 5)
    try write(HookPlaces.operatorHooks + "/holdfast-old.json", try old.file("createRuntime").text)
    let result = try hooks("status")
    #expect(result.status == .finding && result.output.contains("of another version"))
    _ = try hooks("install", "podman")
    #expect(exists(HookPlaces.operatorHooks + "/holdfast-old.json"))
  }

  @Test func `the runtime's time limit stays above the hook's own`() throws {
    try write(HookPlaces.hookConfiguration, #"{"timeoutMilliseconds": 9500}"#)
    _ = try hooks("install", "podman")
    #expect(read(files[0])?.contains(#""timeout" : 13"#) == true)
    #expect(try hooks("status").status == .success)
    try write(HookPlaces.hookConfiguration, #"{"timeoutMilliseconds": 13000}"#)
    let result = try hooks("status")
    #expect(result.status == .finding && result.output.contains("kills the hook after 13 s"))
  }

  @Test func `a base spec keeps what is in it, and has each hook once`() throws {
    try write("/base.json", spec)
    for _ in 0..<2 {
      let result = try hooks("install", "containerd", "--base-spec", root + "/base.json")
      #expect(result.output.contains(#"[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]"#))
      #expect(result.output.contains("systemctl restart containerd"))
      let merged = try JSONValue(parsing: Array((read(HookPlaces.baseSpec) ?? "").utf8))
      #expect(merged["linux"]?["big"] == .natural(.max))
      #expect(merged["hooks"]?["poststop"]?.list?.count == 2)
      #expect(merged["hooks"]?["createRuntime"]?.list?.count == 1)
    }
    try write(HookPlaces.containerdConfiguration, "version = 3\n")
    #expect(try hooks("install", "containerd").output.contains(#"[plugins."io.containerd.cri.v1.runtime""#))
  }

  @Test func `the operator's own base spec is the one that the hooks go into`() throws {
    try write("/etc/containerd/mine.json", spec)
    try write(HookPlaces.containerdConfiguration, "  base_runtime_spec = '/etc/containerd/mine.json'\n")
    _ = try hooks("install", "containerd")
    #expect(read(HookPlaces.baseSpec)?.contains("/other") == true)
    #expect(read("/etc/containerd/mine.json") == spec)
  }

  @Test func `removal from containerd never takes away what it needs to start`() throws {
    try write("/base.json", spec)
    _ = try hooks("install", "containerd", "--base-spec", root + "/base.json")
    try write(HookPlaces.containerdConfiguration, "base_runtime_spec = \"\(HookPlaces.baseSpec)\"\n")
    #expect(try hooks("status").status == .success)
    #expect(try hooks("uninstall", "containerd").output.contains("run this command again"))
    #expect(read(HookPlaces.baseSpec)?.contains("oci-hook") == false)
    #expect(exists(HookPlaces.program))
    #expect(try hooks("uninstall", "containerd").output.contains("still names"))
    #expect(exists(HookPlaces.baseSpec) && exists(HookPlaces.program))
  }

  @Test func `the program stays while another runtime is told of it`() throws {
    try write("/base.json", spec)
    _ = try hooks("install", "containerd", "--base-spec", root + "/base.json")
    _ = try hooks("install", "podman")
    #expect(try hooks("uninstall", "podman").output.contains("stays"))
    #expect(exists(HookPlaces.program) && !files.contains(where: exists))
  }

  @Test func `files that are not what they should be are refused or told of`() throws {
    try write("/new-hook", "#!/bin/sh")
    #expect(try hooks("install", "podman").errors.contains("not a program"))
    try write("/new-hook", "\u{7f}ELF hook")
    try write(HookPlaces.baseSpec, "{")
    #expect(try hooks("install", "containerd").errors.contains("is not JSON"))
    try FileManager.default.removeItem(atPath: root + HookPlaces.baseSpec)
    _ = try hooks("install", "podman")
    try write(files[0], #"{"version":"1.0.0"}"#)
    let result = try hooks("status")
    #expect(result.status == .finding)
    #expect(result.output.contains("hook: is missing") && result.output.contains("stages: is missing or empty"))
  }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The files of hooks.d call the hook in a way it understands.
@Suite struct HooksFolderTests {
  private let folder = Fixtures.folder.appendingPathComponent("../../hooks.d").standardized
  private let stages = ["createRuntime", "poststart", "poststop"]

  private func object(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: folder.appendingPathComponent(name))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// The runtime's limit is in seconds and above the hook's own of 2 s, so that the hook's
  /// fail policy decides and not a killed hook.
  private func check(_ hook: [String: Any]?, _ stage: String) {
    #expect(hook?["path"] as? String == "/usr/libexec/holdfast/oci-hook")
    #expect(hook?["args"] as? [String] == ["oci-hook", stage])
    #expect((hook?["timeout"] as? Int ?? 0) > 2)
  }

  @Test func `podman and CRI-O call every stage for every container`() throws {
    for stage in stages {
      let file = try object("holdfast-\(stage).json")
      #expect(file["version"] as? String == "1.0.0")
      #expect(file["stages"] as? [String] == [stage])
      #expect(file["when"] as? [String: Bool] == ["always": true])
      check(file["hook"] as? [String: Any], stage)
    }
  }

  @Test func `the base spec for containerd has every stage once`() throws {
    let file = try object("containerd/base-spec-hooks.json")
    let hooks = try #require(file["hooks"] as? [String: Any])
    #expect(Set(hooks.keys) == Set(stages))
    for stage in stages {
      let list = hooks[stage] as? [[String: Any]]
      #expect(list?.count == 1)
      check(list?.first, stage)
    }
  }
}

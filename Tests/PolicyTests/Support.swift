// SPDX-License-Identifier: Apache-2.0
import Policy

/// A manifest with the given lines under `spec:`, indented by two.
func manifest(
  name: String = "web", namespace: String? = "shop", kind: String = "WorkloadPolicy",
  mode: String? = "protect",
  spec: String = "rulesByContainer: {nginx: {executables: {allowed: [/bin/sh]}}}"
) -> String {
  let inner = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }
    .joined()
  return """
    apiVersion: security.rancher.io/v1alpha1
    kind: \(kind)
    metadata:
      name: \(name)
    \(namespace.map { "  namespace: \($0)\n" } ?? "")spec:
    \(mode.map { "  mode: \($0)\n" } ?? "")\(inner)
    """
}

func file(_ name: String, _ text: String) -> PolicyFile {
  PolicyFile(name: name, content: .bytes(Array(text.utf8)))
}

func problems(_ text: String) -> [PolicyProblem] {
  PolicyParser.parse(Array(text.utf8), file: "web.yaml").problems
}

func policies(_ text: String) -> [WorkloadPolicy] {
  PolicyParser.parse(Array(text.utf8), file: "web.yaml").policies.map(\.policy)
}

extension PolicySet {
  init(_ texts: [String]) {
    self.init(files: texts.enumerated().map { file("p\($0).yaml", $1) })
  }
}

/// Repeatable random numbers: a failing property test names its seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What is wrong with how a runtime is told of the hook, and what helps.
struct HookProblem: Encodable, Equatable {
  var text: String
  var remedy: String
  /// Containers are told of all the same.
  var isHarmless = false

  var sentence: String { "\(text); \(remedy)" }

  /// One sentence, as `hooks status` shows it.
  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    try value.encode(sentence)
  }
}

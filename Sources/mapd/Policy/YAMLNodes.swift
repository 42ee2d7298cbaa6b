// SPDX-License-Identifier: Apache-2.0
import Yams

/// The nodes of a policy file with their places, for those who change its text.
public enum YAMLNodes {
  /// - Throws: what the YAML parser finds wrong.
  public static func compose(_ text: String) throws -> [Node] { try YAMLText.compose(text) }
}

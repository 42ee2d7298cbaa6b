// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages

extension ContainerRegistry {
  /// The one that an operator means.
  func container(called text: String) throws(ControlFailure) -> ContainerRecord {
    let found = containers(named: text)
    guard let record = found.first else {
      throw ControlFailure(
        message: "there is no container \(text)", remedy: "mapctl containers lists those that are bound")
    }
    guard found.count == 1 else {
      let some = found.prefix(5).map { "\($0.identity.id.prefix(13)) (\($0.place))" }.joined(separator: ", ")
      throw ControlFailure(
        message: "\(found.count) containers are called \(text): \(some)", remedy: "give the beginning of an id")
    }
    return record
  }

  /// The one that is to be traced; nil for all.
  func bound(called text: String?) throws(ControlFailure) -> ContainerRecord? {
    guard let text else { return nil }
    let record = try container(called: text)
    guard record.bound != nil else {
      throw ControlFailure(
        message: "container \(text) is not bound: no policy is for it, and the gate judges none of its execs",
        remedy: "mapctl containers lists those that are bound")
    }
    return record
  }
}

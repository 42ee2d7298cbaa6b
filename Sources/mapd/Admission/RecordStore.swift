// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Foundation

/// The records of containers in a directory that does not outlive the machine's run, as
/// cgroups and pins do not. One file each, replaced whole.
struct RecordStore: Sendable {
  let directory: String

  init(directory: String) throws(AdmissionError) {
    self.directory = directory
    guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw .current(.system, "make the directory \(directory)")
    }
  }

  /// Only to read what is there; there may be nothing.
  init(existing directory: String) { self.directory = directory }

  func save(_ record: ContainerRecord) throws(AdmissionError) {
    FaultPoint.pass("record \(record.identity.id) is written")
    let path = file(record.identity.id)
    do {
      let data = try JSONEncoder().encode(record)
      try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw AdmissionError(.system, "write \(path): \(error)")
    }
  }

  func remove(_ id: String) {
    FaultPoint.pass("record \(id) is removed")
    unlink(file(id))
  }

  /// All records that can be read, and what is wrong with the others.
  func load() -> (records: [ContainerRecord], problems: [String]) {
    var records: [ContainerRecord] = []
    var problems: [String] = []
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    for name in names.sorted() where name.hasSuffix(".json") {
      do {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
        records.append(try JSONDecoder().decode(ContainerRecord.self, from: data))
      } catch {
        problems.append("record \(directory)/\(name) cannot be read: \(error)")
      }
    }
    return (records, problems)
  }

  /// Ids are the runtime's, perhaps with characters that a file name cannot have.
  private func file(_ id: String) -> String {
    let safe = id.utf8.allSatisfy { $0 != UInt8(ascii: "/") } && !id.hasPrefix(".") && id.utf8.count < 200
    let name = safe ? id : "hex-" + id.utf8.prefix(120).map { String($0, radix: 16) }.joined()
    return "\(directory)/\(name).json"
  }
}

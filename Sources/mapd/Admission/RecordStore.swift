// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Foundation
import Policy

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
    let id = record.identity.id
    guard name(id).utf8.count <= NAME_MAX else {
      throw AdmissionError(
        .invalid,
        "an id of \(id.utf8.count) bytes is too long for the file of the container's record; give it a shorter one")
    }
    let path = file(id)
    let fresh = "\(directory)/\(Self.freshName)"
    guard write(record.json(), to: fresh), put(fresh, at: path) else {
      let code = errno
      unlink(fresh)
      errno = code
      throw .current(.system, "write \(path)")
    }
  }

  /// What a record is before it has its name: one for all, as one registry writes them one after
  /// another. What a mapd that was killed has left is overwritten; it is no record's name.
  private static let freshName = ".new"

  private func put(_ fresh: String, at path: String) -> Bool {
    FaultPoint.pass("\(path) is put in its place")
    return rename(fresh, path) == 0
  }

  /// Not synced: the directory does not outlive the machine's run.
  private func write(_ bytes: [UInt8], to path: String) -> Bool {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress!, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let code = count < 0 ? errno : EIO
        close(descriptor)
        errno = code
        return false
      }
      rest = rest.dropFirst(count)
    }
    return close(descriptor) == 0
  }

  func remove(_ id: String) {
    FaultPoint.pass("record \(id) is removed")
    unlink(file(id))
  }

  /// All records that can be read, sorted by id, and what is wrong with the others.
  func load() -> (records: [ContainerRecord], problems: [String]) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".json") }.sorted()
    } catch {
      return ([], ["the directory of records, \(directory), cannot be read: \(error)"])
    }
    let read = names.concurrentMap { name in
      Result {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
        return try JSONDecoder().decode(ContainerRecord.self, from: data)
      }
    }
    var records: [ContainerRecord] = []
    var problems: [String] = []
    for (name, result) in zip(names, read) {
      switch result {
      case .success(let record): records.append(record)
      case .failure(let error): problems.append("record \(directory)/\(name) cannot be read: \(error)")
      }
    }
    return (records, problems)
  }

  /// Ids are the runtime's, perhaps with bytes that a file's name cannot have: these are written `%2F`.
  private func name(_ id: String) -> String {
    var name: [UInt8] = []
    for byte in id.utf8 {
      if [0, UInt8(ascii: "/"), UInt8(ascii: "%")].contains(byte) || (name.isEmpty && byte == UInt8(ascii: ".")) {
        let digits = String(byte, radix: 16, uppercase: true)
        name += Array((digits.utf8.count < 2 ? "%0" : "%").utf8) + Array(digits.utf8)
      } else {
        name.append(byte)
      }
    }
    return (name.isEmpty ? "%" : String(decoding: name, as: UTF8.self)) + ".json"
  }

  private func file(_ id: String) -> String { "\(directory)/\(name(id))" }
}

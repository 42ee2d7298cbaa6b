// SPDX-License-Identifier: Apache-2.0
import Admission
import ControlMessages
import Glibc
import Logging
import Observation
import Policy

/// Changes policies for the operator: works an edit out and shows what it does; makes it when the
/// same edit comes back agreed to. One at a time.
public actor PolicyEditor {
  private let registry: ContainerRegistry
  private let source: any PolicySource
  private let directory: String
  private let log: Logger

  /// - Parameter directory: where the policies of `source` are.
  public init(registry: ContainerRegistry, source: any PolicySource, directory: String, log: Logger) {
    self.registry = registry
    self.source = source
    self.directory = directory
    self.log = log
  }

  /// A file as it is and as it shall be; nil: it is not there, or goes.
  struct Draft {
    var policies: [PolicyName]
    var file: String
    var after: String?
    var notes: [String] = []
  }

  /// Shows the draft, or makes it if this very edit has been agreed to.
  /// - Parameter agreed: the digest of what was shown.
  func settle(_ draft: Draft, agreed: String?) async throws(ControlFailure) -> PolicyEdit {
    var edit = try await work(out: draft)
    guard let agreed else { return edit }
    guard agreed == edit.digest else {
      throw ControlFailure(
        message: "policies or containers have changed since the edit was shown; nothing was written",
        remedy: "look at it again")
    }
    let path = "\(directory)/\(draft.file)"
    do throws(StateFile.Failure) {
      if let after = draft.after {
        try StateFile.makeDirectory(directory)
        try StateFile.write(Array(after.utf8), to: path, mode: 0o644)
      } else {
        try StateFile.remove(path)
      }
    } catch {
      throw ControlFailure(
        message: "\(error)", remedy: "nothing was changed; see the policy directory's rights and room")
    }
    let source = source
    let (old, new) = await registry.update { source.load(previous: $0) }
    PolicyWatcher.tell(new, before: old, log)
    log.notice(
      "policies changed by mapctl",
      metadata: ["file": "\(draft.file)", "policies": "\(draft.policies.map(\.description).joined(separator: ","))"])
    edit.done = true
    return edit
  }

  private func work(out draft: Draft) async throws(ControlFailure) -> PolicyEdit {
    let path = "\(directory)/\(draft.file)"
    var status = stat()
    if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw ControlFailure(
        message: "\(path) is not a regular file", remedy: "change the policy where the link leads, or at its source")
    }
    let current = await registry.policies
    // The directory as it is now, which mapd may not have read yet, with the one file changed.
    var files: [PolicyFile] = []
    if PolicyDirectory.exists(directory) {
      files = PolicyDirectory.readAll(directory).map {
        PolicyFile(name: $0.name.split(separator: "/").last.map(String.init) ?? $0.name, content: $0.content)
      }
    }
    let now = PolicySet(files: files, previous: current)
    files.removeAll { $0.name == draft.file }
    if let after = draft.after { files.append(PolicyFile(name: draft.file, content: .bytes(Array(after.utf8)))) }
    let then = PolicySet(files: files, previous: current)
    if let problem = then.problems.first(where: { $0.file == draft.file }) {
      throw ControlFailure(message: "\(problem)", remedy: "nothing was changed")
    }
    var edit = PolicyEdit(
      policies: draft.policies.map(\.description), file: path, before: text(draft.file), after: draft.after,
      notes: draft.notes)
    for record in registry.allContainers() where registry.isAlive(record) {
      let before = now.effective(for: record.identity.workload)
      let after = then.effective(for: record.identity.workload)
      let isProtected = after.map { !$0.policies.isEmpty } ?? false
      if isProtected, after!.policies.contains(where: draft.policies.contains) { edit.covered.append(record.place) }
      if let before, !before.policies.isEmpty, !isProtected { edit.losing.append(record.place) }
    }
    edit.covered.sort()
    edit.losing.sort()
    edit.digest = Self.digest(edit)
    return edit
  }

  func text(_ file: String) -> String? {
    guard case .bytes(let bytes) = PolicyDirectory.read("\(directory)/\(file)") else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  func exists(_ file: String) -> Bool { PolicyDirectory.exists("\(directory)/\(file)") }

  /// The policy in force of that name; the namespace may be left out where only one has it.
  func find(_ text: String) async throws(ControlFailure) -> PlacedPolicy {
    let all = await registry.policies.policies
    let found = all.filter { $0.policy.name.description == text || $0.policy.name.name == text }
    guard let one = found.first else {
      throw ControlFailure(message: "there is no policy \(text)", remedy: "mapctl policies lists them")
    }
    guard found.count == 1 else {
      throw ControlFailure(
        message: "there are several policies \(text): \(found.map(\.policy.name.description).joined(separator: ", "))",
        remedy: "give the namespace too")
    }
    guard !one.isLastGood else {
      throw ControlFailure(
        message: "the file of \(one.policy.name), \(one.file), has problems; its last good version is in force",
        remedy: "correct the file first, see mapctl policies")
    }
    return one
  }

  func policies() async -> PolicySet { await registry.policies }

  /// All policies and proposals of a file, in their order.
  func policies(of file: String) async -> [WorkloadPolicy] {
    let set = await registry.policies
    return (set.policies + set.proposals).filter { $0.file == file }.sorted { $0.line < $1.line }.map(\.policy)
  }

  /// Not against forgery: to see whether two edits are the same.
  private static func digest(_ edit: PolicyEdit) -> String {
    StateFile.digest((try? ControlCoding.line(edit)) ?? [])
  }
}

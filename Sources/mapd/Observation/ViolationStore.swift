// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement
import Glibc
import Logging

/// The violations on record, in memory and on disk: a file for each group of policies, written
/// at most once a second and never while an event is taken in.
public actor ViolationStore {
  /// A follower that reads too slowly loses the oldest of these.
  static let followerBacklog = 1024

  private var book = ViolationBook()
  private let directory: String
  private let boot: String?
  private let log: Logger
  private var followers: [Int: AsyncStream<ViolationRecord>.Continuation] = [:]
  private var nextFollower = 0
  private var hasFailed = false
  /// Reports in the kernel whose event was lost: which executable they are of is not known.
  public private(set) var unnamed = 0

  /// Reads what an earlier mapd has written.
  /// - Parameter stateDirectory: `violations` is made in it.
  public init(stateDirectory: String, log: Logger) {
    directory = stateDirectory + "/violations"
    self.log = log
    let boot = Boot.id
    self.boot = boot
    do throws(StateFile.Failure) {
      try StateFile.makeDirectory(directory)
    } catch {
      log.error("violations are not kept on disk", metadata: ["reason": "\(error)"])
    }
    for name in StateFile.names(in: directory) where name.hasSuffix(".json") {
      let path = "\(directory)/\(name)"
      do {
        guard let bytes = try StateFile.read(path) else { continue }
        let page = try ControlCoding.value(ViolationPage.self, from: bytes)
        book.restore(page, countsGoOn: page.boot == boot)
      } catch {
        log.error(
          "violations cannot be read, the file is set aside", metadata: ["file": "\(path)", "reason": "\(error)"])
        StateFile.setAside(path)
      }
    }
    _ = book.takeChanged()
  }

  func observe(_ event: ViolationEvent, executable: [UInt8], key: ReportKey, count: UInt64) {
    book.observe(event, executable: executable, key: key, count: count)
  }

  /// Reports that no event of this mapd's time belongs to.
  func advance(_ counts: [(ReportKey, UInt64)], time: String) {
    unnamed = 0
    for (key, count) in counts where key.verdict != VerdictName.learn.code {
      if !book.advance(key, count: count, time: time) { unnamed += 1 }
    }
  }

  func forget(_ keys: [ReportKey]) { for key in keys { book.forget(key) } }

  public func records(of policy: String? = nil) -> [ViolationRecord] { book.records(of: policy) }
  public func record(_ id: UInt64) -> ViolationRecord? { book.entries[id]?.record }
  public func executable(_ id: UInt64) -> [UInt8]? { book.entries[id]?.identity.executable }

  /// Records that had to go because there were more than 100 of their policies.
  public var evicted: UInt64 { book.evicted.values.reduce(0, +) }

  public func acknowledge(_ id: UInt64) -> ViolationRecord? {
    book.acknowledge(id, at: Timestamp.now.iso8601)
  }

  /// Tells those who follow, and writes what has changed. Call it once a second.
  public func flush() {
    let (groups, records) = book.takeChanged()
    for record in records {
      for follower in followers.values { follower.yield(record) }
    }
    for group in groups.sorted() {
      var page = book.page(group)
      page.boot = boot
      do {
        // It was not made at the start when the disk was full then.
        try StateFile.makeDirectory(directory)
        try StateFile.write(
          try ControlCoding.line(page), to: "\(directory)/\(StateFile.name(for: group)).json")
        if hasFailed { log.notice("violations are written again", metadata: ["directory": "\(directory)"]) }
        hasFailed = false
      } catch {
        book.markChanged(group)
        // Once, not each second.
        if !hasFailed { log.error("violations cannot be written", metadata: ["reason": "\(error)"]) }
        hasFailed = true
      }
    }
  }

  /// All on record, and each again whenever it changes.
  public func follow(_ policy: String?) -> (past: [ViolationRecord], stream: AsyncStream<ViolationRecord>) {
    let id = nextFollower
    nextFollower += 1
    let (stream, continuation) = AsyncStream.makeStream(
      of: ViolationRecord.self, bufferingPolicy: .bufferingNewest(Self.followerBacklog))
    followers[id] = continuation
    continuation.onTermination = { [weak self] _ in
      guard let self else { return }
      Task { await self.unfollow(id) }
    }
    return (records(of: policy), stream)
  }

  private func unfollow(_ id: Int) { followers[id] = nil }
}

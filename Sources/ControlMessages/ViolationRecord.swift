// SPDX-License-Identifier: Apache-2.0

/// All equal violations as one: the same executable, for the same reason, in the same container
/// of the same pod, under the same policies and mode. An element of the answer to `violations`.
public struct ViolationRecord: Codable, Hashable, Sendable {
  /// Stays the same while the record is kept, across restarts of mapd.
  public var id: UInt64
  /// The latest of them: who, what and why.
  public var latest: ViolationEvent
  /// How many, counted in the kernel.
  public var count: UInt64
  /// ISO 8601, UTC.
  public var first: String
  public var last: String
  /// When an operator acknowledged it; nil: nobody has.
  public var acknowledged: String?

  public init(
    id: UInt64, latest: ViolationEvent, count: UInt64, first: String, last: String, acknowledged: String? = nil
  ) {
    self.id = id
    self.latest = latest
    self.count = count
    self.first = first
    self.last = last
    self.acknowledged = acknowledged
  }

  /// - Parameter policy: `namespace/name`, or the name alone.
  public func isOf(_ policy: String) -> Bool {
    latest.policy.contains { $0 == policy || $0.split(separator: "/").last.map(String.init) == policy }
  }

  enum CodingKeys: String, CodingKey { case id, count, first, last, acknowledged, sample }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    id = try values.decode(UInt64.self, forKey: .id)
    count = try values.decode(UInt64.self, forKey: .count)
    first = try values.decode(String.self, forKey: .first)
    last = try values.decode(String.self, forKey: .last)
    acknowledged = try values.decodeIfPresent(String.self, forKey: .acknowledged)
    latest = try values.decode(ViolationEvent.self, forKey: .sample)
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(id, forKey: .id)
    try values.encode(count, forKey: .count)
    try values.encode(first, forKey: .first)
    try values.encode(last, forKey: .last)
    try values.encodeIfPresent(acknowledged, forKey: .acknowledged)
    try values.encode(latest, forKey: .sample)
  }
}

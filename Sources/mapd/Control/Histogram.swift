// SPDX-License-Identifier: Apache-2.0

/// How many values fell into each bucket.
public struct Histogram: Sendable, Equatable {
  /// Upper bounds, ascending, each belonging to its bucket.
  public let bounds: [Double]
  /// One for each bound, and one for what is above the last.
  public private(set) var counts: [UInt64]
  public private(set) var sum = 0.0

  public init(bounds: [Double]) {
    self.bounds = bounds
    counts = [UInt64](repeating: 0, count: bounds.count + 1)
  }

  public mutating func add(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The numbers of a range that are not in use. A number that was given back is given out before one
/// that never was; nothing is searched for.
struct FreeNumbers {
  /// Given back; the last is the next.
  private var back: [UInt32]
  private var fresh: Range<UInt32>

  init(_ range: Range<UInt32>, without used: some Collection<UInt32>) {
    let used = Set(used)
    let top = used.max().map { min(max($0 &+ 1, range.lowerBound), range.upperBound) } ?? range.lowerBound
    // The lowest is given out first.
    back = (range.lowerBound..<top).reversed().filter { !used.contains($0) }
    fresh = top..<range.upperBound
  }

  /// nil: all are in use.
  var next: UInt32? { back.last ?? fresh.first }

  /// `next` is in use from now on.
  mutating func takeNext() {
    if back.popLast() == nil { fresh = fresh.dropFirst() }
  }

  mutating func giveBack(_ number: UInt32) { back.append(number) }
}

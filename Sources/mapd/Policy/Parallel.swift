// SPDX-License-Identifier: Apache-2.0
import Dispatch

extension Array where Element: Sendable {
  /// `map` on all processors, in runs of elements: thousands of files are read at mapd's start, which
  /// answers no hook before it knows them.
  package func concurrentMap<Result: Sendable>(_ transform: @Sendable (Element) -> Result) -> [Result] {
    let run = 64
    var results = [Result?](repeating: nil, count: count)
    results.withUnsafeMutableBufferPointer { results in
      // Each run writes its own elements.
      nonisolated(unsafe) let results = results
      DispatchQueue.concurrentPerform(iterations: (count + run - 1) / run) { part in
        for index in part * run..<Swift.min((part + 1) * run, count) { results[index] = transform(self[index]) }
      }
    }
    return results.map { $0! }
  }
}

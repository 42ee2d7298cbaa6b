// SPDX-License-Identifier: Apache-2.0
import Enforcement
import Testing

@testable import Observation

@Suite struct VerdictCountsTests {
  private let kind = VerdictCounts.Kind(verdict: 2, reason: 1)

  private func key(_ cgroup: UInt64, path: UInt64 = 1) -> ReportKey {
    ReportKey(cgroup: CgroupKey(id: cgroup, hierarchy: 0), path: [path, 0], reason: 1, verdict: 2)
  }

  @Test func whatAKeyCountsIsCountedOnce() {
    var counts = VerdictCounts()
    counts.advance([(key(1), 5), (key(1, path: 2), 1)])
    counts.advance([(key(1), 7), (key(1, path: 2), 1)])
    #expect(counts.counts == [kind: 8] && counts.reports == 2)
  }

  @Test func countsOfContainersThatAreGoneStay() {
    var counts = VerdictCounts()
    counts.advance([(key(1), 5)])
    counts.advance([])
    #expect(counts.counts == [kind: 5] && counts.reports == 0)
    // its cgroup's id again
    counts.advance([(key(1), 2)])
    counts.advance([(key(1), 1)])
    #expect(counts.counts == [kind: 8])
  }

  @Test func whatAnEarlierMapdToldIsNotCountedAgain() {
    var counts = VerdictCounts()
    counts.begin(key(1), at: 5)
    counts.advance([(key(1), 6)])
    #expect(counts.counts == [kind: 1])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Logging
import Testing

@testable import Control

@Suite struct ConnectionLimitTests {
  private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test func furtherOnesAreRefusedAndCountedUntilOneLeaves() {
    let limit = ConnectionLimit(2)
    #expect(limit.enter("s", log) && limit.enter("s", log))
    #expect(!limit.enter("s", log) && !limit.enter("s", log) && limit.refused == 2)
    limit.leave()
    #expect(limit.enter("s", log) && !limit.enter("s", log) && limit.refused == 3)
  }

  @Test func othersDoNotDecideHowMuchIsLogged() {
    let pause = LogPause()
    #expect(pause.isOver() && !pause.isOver() && !pause.isOver())
  }
}

@Suite struct HistogramTests {
  @Test func aBoundBelongsToItsBucket() {
    var histogram = Histogram(bounds: [1, 2])
    for value in [0, 1, 1.5, 2, 2.5] { histogram.add(value) }
    #expect(histogram.counts == [2, 2, 1] && histogram.sum == 7)
  }
}

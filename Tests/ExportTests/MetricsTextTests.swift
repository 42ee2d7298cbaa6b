// SPDX-License-Identifier: Apache-2.0
import Control
import Testing

@testable import Export

@Suite struct MetricsTextTests {
  @Test func aFamilyIsWrittenOnceBeforeItsSamples() {
    var text = MetricsText()
    text.family("a_total", .counter, "Help.", [(["x": "1"], 2), (["x": "2", "y": "z"], 0.5)])
    text.single("b", .gauge, "Help.", 1)
    text.family("c", .gauge, "Nothing of it.", [])
    #expect(
      text.text == """
        # HELP a_total Help.
        # TYPE a_total counter
        a_total{x="1"} 2
        a_total{x="2",y="z"} 0.5
        # HELP b Help.
        # TYPE b gauge
        b 1

        """)
  }

  @Test func whatHasAMeaningInTheFormatIsEscaped() {
    var text = MetricsText()
    text.family("a", .gauge, "back\\slash\nline \"quote\"", [(["l": "b\\n\"q\"\n"], 1)])
    #expect(text.text.contains("# HELP a back\\\\slash\\nline \"quote\"\n"))
    #expect(text.text.contains("a{l=\"b\\\\n\\\"q\\\"\\n\"} 1\n"))
  }

  @Test(arguments: [
    (9_007_199_254_740_991.0, "9007199254740991"), (1e300, "1e+300"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
    (.nan, "NaN"), (-1, "-1"), (0.000001, "1e-06"),
  ]) func numbersAreExact(_ value: Double, _ written: String) {
    var text = MetricsText()
    text.single("a", .gauge, "", value)
    #expect(text.text.hasSuffix("a \(written)\n"))
  }

  @Test func aHistogramAddsUp() {
    var histogram = Histogram(bounds: [0.5, 1])
    for value in [0.5, 0.6, 3, 0.25] { histogram.add(value) }
    var text = MetricsText()
    text.histogram("h", "Help.", [(["o": "p"], histogram)])
    #expect(
      text.text.hasSuffix(
        """
        h_bucket{o="p",le="0.5"} 2
        h_bucket{o="p",le="1"} 3
        h_bucket{o="p",le="+Inf"} 4
        h_sum{o="p"} 4.35
        h_count{o="p"} 4

        """))
  }
}

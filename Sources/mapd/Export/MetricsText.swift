// SPDX-License-Identifier: Apache-2.0
import Control

/// Prometheus' text format 0.0.4. A family's name, help and type come once, before its samples.
struct MetricsText {
  enum Kind: String { case counter, gauge, histogram }

  typealias Labels = KeyValuePairs<String, String>

  private(set) var text = ""

  /// Nothing is written for a family without samples: scrapers take it for one that is not known.
  mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: [(Labels, Double)]) {
    guard !samples.isEmpty else { return }
    begin(name, kind, help)
    for (labels, value) in samples { add(name, Array(labels), value) }
  }

  mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
    family(name, kind, help, [([:], value)])
  }

  mutating func histogram(_ name: String, _ help: String, _ histograms: [(Labels, Histogram)]) {
    begin(name, .histogram, help)
    for (labels, histogram) in histograms {
      var sum: UInt64 = 0
      let bounds = histogram.bounds.map { Self.number($0) } + ["+Inf"]
      for (bound, count) in zip(bounds, histogram.counts) {
        sum += count
        add(name + "_bucket", labels + [("le", bound)], Double(sum))
      }
      add(name + "_sum", Array(labels), histogram.sum)
      add(name + "_count", Array(labels), Double(sum))
    }
  }

  private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind.rawValue)\n"
  }

  private mutating func add(_ name: String, _ labels: [(key: String, value: String)], _ value: Double) {
    let list = labels.map { "\($0.key)=\"\(Self.escaped($0.value, quotes: true))\"" }.joined(separator: ",")
    text += name + (list.isEmpty ? "" : "{\(list)}") + " \(Self.number(value))\n"
  }

  /// Whole numbers without a fraction: a count is to be read as one.
  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 0x1p53 ? "\(Int64(value))" : "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool = false) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}

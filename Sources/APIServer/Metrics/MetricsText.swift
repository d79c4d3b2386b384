// SPDX-License-Identifier: Apache-2.0
import Meters

/// Writes metrics in Prometheus' text format 0.0.4.
///
/// Shape: one family after the other, each with help, type and samples.
struct MetricsText {
  enum Kind: String {
    case counter
    case gauge
    case histogram
  }

  typealias Labels = KeyValuePairs<String, String>

  private(set) var text = ""

  /// Writes a family of one sample without labels.
  mutating func write(_ kind: Kind, _ name: String, _ value: Double, _ help: String) {
    begin(kind, name, help)
    sample(name, [:], value)
  }

  /// Writes a count without labels.
  mutating func count(_ name: String, _ value: UInt64, _ help: String) {
    write(.counter, name, Double(value), help)
  }

  /// Writes a gauge without labels.
  mutating func gauge(_ name: String, _ value: some BinaryInteger, _ help: String) {
    write(.gauge, name, Double(value), help)
  }

  /// Writes a family of one histogram.
  mutating func histogram(_ name: String, _ reading: HistogramReading, _ help: String) {
    begin(.histogram, name, help)
    samples(name, [:], reading)
  }

  /// Begins a family, whose samples follow.
  mutating func begin(_ kind: Kind, _ name: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  /// Writes one sample.
  mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
    text += name
    appendLabels(labels, more: nil)
    text += " \(Self.number(value))\n"
  }

  /// Writes the samples of a histogram.
  mutating func samples(_ name: String, _ labels: Labels, _ reading: HistogramReading) {
    for bucket in reading.buckets {
      text += "\(name)_bucket"
      appendLabels(labels, more: Self.number(Double(bucket.upperBoundNanoseconds) / 1e9))
      text += " \(bucket.cumulativeCount)\n"
    }
    text += "\(name)_bucket"
    appendLabels(labels, more: "+Inf")
    text += " \(reading.count)\n"
    sample("\(name)_sum", labels, Double(reading.sumNanoseconds) / 1e9)
    sample("\(name)_count", labels, Double(reading.count))
  }

  private mutating func appendLabels(_ labels: Labels, more bound: String?) {
    var pairs = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
    if let bound { pairs.append("le=\"\(bound)\"") }
    if !pairs.isEmpty { text += "{\(pairs.joined(separator: ","))}" }
  }

  private static func escaped(_ value: String) -> String {
    value.reduce(into: "") { text, character in
      switch character {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
  }

  private static func number(_ value: Double) -> String {
    Int64(exactly: value).map(String.init) ?? "\(value)"
  }
}

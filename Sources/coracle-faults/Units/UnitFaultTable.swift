// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The reports of many runs, as docs/RELIABILITY.md has them.
struct UnitFaultTable {
  let reports: [UnitFaultReport]

  var markdown: String {
    var lines = [
      "| fault | runs | units run elsewhere after | all well again after | two in reach, at most | starts | back late | violations |",
      "|---|---|---|---|---|---|---|---|",
    ]
    for fault in UnitFault.known {
      let rows = reports.filter { $0.fault.name == fault.name }
      if !rows.isEmpty { lines.append(Self.row(fault, rows)) }
    }
    let failed = reports.count { !$0.violations.isEmpty }
    let starts = reports.reduce(0) { $0 + $1.starts }
    lines.append("\n\(reports.count) runs, \(starts) starts of units, \(failed) runs with violations")
    return lines.joined(separator: "\n")
  }

  private static func row(_ fault: UnitFault, _ rows: [UnitFaultReport]) -> String {
    let cells = [
      "\(fault.name): \(fault.summary)", "\(rows.count)", spread(rows.compactMap(\.elsewhereSeconds)),
      spread(rows.map(\.recoverySeconds)), seconds(rows.map(\.longestPairSeconds).max() ?? 0),
      "\(rows.reduce(0) { $0 + $1.starts })", "\(rows.count { $0.isLate })", "\(rows.count { !$0.violations.isEmpty })",
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  /// Median and most.
  private static func spread(_ values: [Double]) -> String {
    let sorted = values.sorted()
    guard let most = sorted.last else { return "–" }
    return sorted.count == 1 ? seconds(most) : "\(seconds(sorted[sorted.count / 2])) (\(seconds(most)))"
  }

  static func seconds(_ value: Double) -> String { String(format: "%.1f s", value) }
}

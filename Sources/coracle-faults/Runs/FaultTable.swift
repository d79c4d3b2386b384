// SPDX-License-Identifier: Apache-2.0

/// The runs as a table, a row for each fault and size of cluster.
struct FaultTable {
  let reports: [RunReport]

  var markdown: String {
    var lines = [
      "| fault | members | runs | operations | unknown | acknowledged writes | watch events | recovery, median (most) | violations |",
      "|---|---|---|---|---|---|---|---|---|",
    ]
    for fault in Fault.allCases {
      for members in Set(reports.map(\.members)).sorted() {
        let rows = reports.filter { $0.fault == fault && $0.members == members }
        if !rows.isEmpty { lines.append(Self.row(fault, members, rows)) }
      }
    }
    lines.append(total)
    return lines.joined(separator: "\n")
  }

  /// The last line: everything together.
  private var total: String {
    let failed = reports.count { $0.violation != nil }
    let undecided = reports.reduce(0) { $0 + $1.undecidedKeys }
    return "\n\(reports.count) runs, \(sum(reports, \.answered)) operations answered, "
      + "\(sum(reports, \.acknowledgedWrites)) writes acknowledged, \(sum(reports, \.watchEvents)) watch events, "
      + "\(undecided) keys undecided, \(failed) violations"
  }

  private static func row(_ fault: Fault, _ members: Int, _ rows: [RunReport]) -> String {
    let recovery = rows.map(\.recoveryMilliseconds).sorted()
    let cells = [
      "\(fault.rawValue): \(fault.summary)", "\(members)", "\(rows.count)", "\(sum(rows, \.answered))",
      "\(sum(rows, \.unknown))", "\(sum(rows, \.acknowledgedWrites))", "\(sum(rows, \.watchEvents))",
      "\(recovery[recovery.count / 2]) ms (\(recovery[recovery.count - 1]) ms)",
      "\(rows.count { $0.violation != nil })",
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }
}

private func sum(_ reports: [RunReport], _ figure: (RunReport) -> Int) -> Int {
  reports.reduce(0) { $0 + figure($1) }
}

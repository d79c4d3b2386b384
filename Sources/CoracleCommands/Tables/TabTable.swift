// SPDX-License-Identifier: Apache-2.0

/// Lays out rows of cells as Go's tabwriter does for the original tools.
///
/// Shape: each column but the last is filled with tabs to the next multiple of eight beyond its longest cell.
/// Source: Go's `text/tabwriter` with minimal width 0, tab width 8, padding 1; specs/fleet.md §8.1.
enum TabTable {
  private static let tabWidth = 8

  static func text(_ rows: [[String]]) -> String {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.unicodeScalars.count)
      }
    }
    return rows.map { line($0, widths) + "\n" }.joined()
  }

  private static func line(_ row: [String], _ widths: [Int]) -> String {
    row.enumerated().map { column, cell in
      guard column < row.count - 1 else { return cell }
      let cellWidth = (widths[column] + tabWidth) / tabWidth * tabWidth
      let tabs = (cellWidth - cell.unicodeScalars.count + tabWidth - 1) / tabWidth
      return cell + String(repeating: "\t", count: tabs)
    }
    .joined()
  }
}

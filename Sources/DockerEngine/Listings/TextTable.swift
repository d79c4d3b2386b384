// SPDX-License-Identifier: Apache-2.0

/// Lines whose cells, apart by tabs, are set in columns.
///
/// Source: Go's `text/tabwriter`, with spaces: what stands after the last tab of a line is in no column.
enum TextTable {
  /// Lines in columns.
  ///
  /// - Parameters:
  ///   - text: The lines.
  ///   - width: The least width of a column, in characters.
  ///   - padding: How many spaces are at least between columns.
  /// - Returns: The lines without tabs.
  static func aligned(_ text: String, width: Int, padding: Int) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    var output = [String](repeating: "", count: lines.count)
    let columns = lines.map { $0.count - 1 }.max() ?? 0
    for column in 0..<max(columns, 0) {
      var start = 0
      // Lines one after another that have the column belong together.
      while start < lines.count {
        guard lines[start].count - 1 > column else {
          start += 1
          continue
        }
        let end = lines[start...].firstIndex { $0.count - 1 <= column } ?? lines.count
        let cells = lines[start..<end].map { $0[column] }
        let size = cells.map { $0.unicodeScalars.count + padding }.reduce(width, max)
        for (line, cell) in zip(start..<end, cells) {
          output[line] += cell + String(repeating: " ", count: size - cell.unicodeScalars.count)
        }
        start = end
      }
    }
    for (index, line) in lines.enumerated() { output[index] += line.last ?? "" }
    return output
  }
}

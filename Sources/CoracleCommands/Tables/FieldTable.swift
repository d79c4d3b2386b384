// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// A listing whose columns are chosen by name.
struct FieldTable<Row> {
  /// One column: its name, its text in a table, its value in JSON.
  struct Field {
    var name: String
    var text: (Row) -> String
    var json: (Row) -> JSONValue

    init(_ name: String, _ text: @escaping (Row) -> String, json: ((Row) -> JSONValue)? = nil) {
      self.name = name
      self.text = text
      self.json = json ?? { .string(text($0)) }
    }
  }

  let fields: [Field]

  /// The table, or an array of objects with every field.
  ///
  /// - Throws: ``CommandFailure`` for a field that the listing does not have.
  func text(_ rows: [Row], _ layout: ListingLayout) throws(CommandFailure) -> String {
    switch layout.format {
    case .json:
      let objects = rows.map { row in JSONValue.object(fields.map { JSONValue.Field($0.name, $0.json(row)) }) }
      return JSONValue.array(objects).text + "\n"
    case .table:
      let chosen = try chosenFields(layout)
      let header = layout.hasLegend ? [chosen.map { $0.name.uppercased() }] : []
      return TabTable.text(header + rows.map { row in chosen.map { $0.text(row) } })
    }
  }

  private func chosenFields(_ layout: ListingLayout) throws(CommandFailure) -> [Field] {
    try layout.check(fields.map(\.name))
    return layout.fieldNames.compactMap { name in fields.first { $0.name == name } }
  }
}

/// How a listing is shown.
struct ListingLayout: Equatable {
  var format = OutputFormat.table
  /// Names of the columns, in their order.
  var fieldNames: [String]
  var hasLegend = true
  /// Whether machine ids are shown whole.
  var isFull = false

  /// Reads `--fields`; nil means the defaults.
  static func names(_ flag: String?, default names: [String]) -> [String] {
    guard let flag else { return names }
    return flag.split(separator: ",").map { String($0.filter { $0 != " " }) }
  }

  /// Makes sure that the columns can be shown, before anybody is asked for what stands in them.
  ///
  /// - Throws: ``CommandFailure`` for a field that the listing does not have.
  func check(_ known: [String]) throws(CommandFailure) {
    guard format == .table else { return }
    guard !fieldNames.isEmpty else { throw CommandFailure("Must define output format") }
    if let unknown = fieldNames.first(where: { !known.contains($0) }) {
      throw CommandFailure("Invalid key in output format: \"\(unknown)\"")
    }
  }
}

/// Why a command ends, in the words for its user.
struct CommandFailure: Error, Equatable {
  var message: String
  /// The exit status.
  var status: Int32

  init(_ message: String, status: Int32 = 1) {
    self.message = message
    self.status = status
  }
}

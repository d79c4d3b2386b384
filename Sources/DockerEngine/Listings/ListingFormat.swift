// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// A row of a list, as templates see it.
struct ListingRow {
  /// What the names of rows' types begin with.
  static let typePrefix = "*formatter."

  /// Values by name; all are shown by `json`.
  var values: [String: TemplateValue]
  /// What only templates may ask for.
  var methods: [String: TemplateFunction] = [:]

  /// The row for templates; `kind` is the type as errors name it, such as `ContainerContext`.
  func object(_ kind: String) -> TemplateValue {
    let fields = values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    return .object(TemplateObject(Self.typePrefix + kind, fields: fields, methods: methods))
  }
}

/// How a list is written: as a table, as JSON, or by a template for each row.
///
/// Source: docker CLI `cli/command/formatter/formatter.go`.
struct ListingFormat {
  /// The type of the rows, as errors name it.
  var kind: String
  /// The table's template when none is given.
  var table: String
  /// What `raw` stands for; nil where it stands for itself.
  var raw: String?
  /// The template of `-q`.
  var quiet: String
  /// The columns' names by the name of the value.
  var headers: [String: String]

  /// The template for what was asked for, and whether it makes a table.
  func template(_ format: String?, isQuiet: Bool) -> (text: String, isTable: Bool) {
    switch format {
    case nil, "table": return isQuiet ? (quiet, false) : (table, true)
    case "json": return ("{{json .}}", false)
    case "raw":
      if let raw { return (isQuiet ? quiet : raw, false) }
      return ("raw", false)
    case .some(let format):
      guard format.hasPrefix("table") else { return (Self.unescaped(format), false) }
      let text = Self.unescaped(String(format.dropFirst("table".count)))
      return (String(text.drop(while: \.isWhitespace)), true)
    }
  }

  /// `\t` and `\n` may be written as two characters.
  private static func unescaped(_ text: String) -> String {
    var output = ""
    var rest = text[...]
    while let character = rest.popFirst() {
      guard character == "\\", let next = rest.first, next == "t" || next == "n" else {
        output.append(character)
        continue
      }
      rest.removeFirst()
      output += next == "t" ? "\t" : "\n"
    }
    return output
  }

  /// The whole list as lines.
  ///
  /// - Throws: ``DockerEngineError`` when the template is none, or asks for what rows have not.
  func lines(_ rows: [ListingRow], format: String?, isQuiet: Bool) throws(DockerEngineError) -> [String] {
    let (source, isTable) = template(format, isQuiet: isQuiet)
    let template = try parsed(source, DockerTemplate.functions)
    var text = ""
    for row in rows {
      do throws(TemplateError) {
        text += try template.text(with: row.object(kind)) + "\n"
      } catch {
        throw DockerEngineError(.badRequest, "failed to execute template: \(error)")
      }
    }
    guard isTable else {
      return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
    let names = headers.map { (name: $0.key, value: TemplateValue.string($0.value)) }
    // Any label's column bears the label's name.
    let label = TemplateFunction([.string]) { (values) throws(TemplateFunctionError) in
      .string(Self.labelHeader(values[0].text ?? ""))
    }
    let object = TemplateObject(ListingRow.typePrefix + "SubHeaderContext", fields: names, methods: ["Label": label])
    let header = try parsed(source, DockerTemplate.headerFunctions)
    do throws(TemplateError) {
      text = try header.text(with: .object(object)) + "\n" + text
    } catch {
      throw DockerEngineError(.badRequest, "failed to execute template: \(error)")
    }
    return Array(TextTable.aligned(text, width: 10, padding: 3).dropLast())
  }

  private static func labelHeader(_ label: String) -> String {
    let words = label.split(separator: ".")
    return String(words.last ?? "").replacing("-", with: " ").replacing("_", with: " ")
  }

  private func parsed(
    _ source: String,
    _ functions: [String: TemplateFunction]
  ) throws(DockerEngineError) -> TextTemplate {
    do throws(TemplateError) {
      return try TextTemplate(name: "", source: source, functions: functions)
    } catch {
      throw DockerEngineError(.badRequest, "failed to parse template: \(error)")
    }
  }
}

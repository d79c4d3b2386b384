// SPDX-License-Identifier: Apache-2.0

/// Writes values as Go's package `fmt` does.
///
/// Source: Go 1.19, `fmt/print.go` and `fmt/format.go`. Differs: `%p`, `%b` and `%x` of numbers with fractions are
/// answered as wrong verbs.
struct GoFormatter {
  /// The flags, width and precision of one verb.
  struct Flags {
    var plus = false
    var minus = false
    var sharp = false
    var space = false
    var zero = false
    var width: Int?
    var precision: Int?
  }

  private(set) var bytes: [UInt8] = []
  /// Whether something was left out because of the limit.
  private(set) var isTruncated = false
  private let limit: Int
  var flags = Flags()

  /// - Parameter limit: The most bytes that are written.
  init(limit: Int) { self.limit = limit }

  /// A value as `%v` writes it, cut at a length that is fit for an error.
  static func text(_ value: TemplateValue) -> String {
    var formatter = GoFormatter(limit: 4096)
    formatter.print([value])
    return String(decoding: formatter.bytes, as: UTF8.self)
  }

  // MARK: Whole lines

  /// `Sprint`: a space between two values of which neither is a string.
  mutating func print(_ values: [TemplateValue]) {
    var wasString = true
    for (index, value) in values.enumerated() {
      let isString = if case .bytes = value { true } else { false }
      if index > 0, !isString, !wasString { write(" ") }
      write(value, verb: "v")
      wasString = isString
    }
  }

  /// `Sprintln`: a space between all values, and a newline.
  mutating func printLine(_ values: [TemplateValue]) {
    for (index, value) in values.enumerated() {
      if index > 0 { write(" ") }
      write(value, verb: "v")
    }
    write("\n")
  }

  // MARK: Bytes

  mutating func write(_ text: String) { write(Array(text.utf8)) }

  mutating func write(_ more: [UInt8]) {
    guard bytes.count + more.count <= limit else {
      isTruncated = true
      return
    }
    bytes += more
  }

  /// Writes text in the width that is asked for.
  mutating func pad(_ text: [UInt8]) {
    guard let width = flags.width else { return write(text) }
    let missing = max(0, width - UTF8Scalars.count(text))
    if flags.minus {
      write(text)
      write([UInt8](repeating: UInt8(ascii: " "), count: missing))
    } else {
      write([UInt8](repeating: UInt8(ascii: flags.zero ? "0" : " "), count: missing))
      write(text)
    }
  }

  mutating func pad(_ text: String) { pad(Array(text.utf8)) }

  // MARK: Values

  /// Writes a value by a verb; lists, maps and objects by that of their parts.
  mutating func write(_ value: TemplateValue, verb: Unicode.Scalar) {
    guard !isTruncated else { return }
    if verb == "T" { return pad(value.type?.description ?? "<nil>") }
    switch value.filled {
    case .noValue, .null:
      if verb == "v" { pad("<nil>") } else { writeBadVerb(verb, value) }
    case .bool(let value):
      if verb == "t" || verb == "v" { pad(value ? "true" : "false") } else { writeBadVerb(verb, .bool(value)) }
    case .integer(let number, let kind): write(number, kind, verb)
    case .float(let number): write(number, verb)
    case .bytes(let bytes): write(string: bytes, verb)
    case .list(let elements, let type):
      if flags.sharp, verb == "v" { write(type.description) }
      let (open, separator, close) = flags.sharp && verb == "v" ? ("{", ", ", "}") : ("[", " ", "]")
      write(open)
      for (index, element) in elements.enumerated() {
        if index > 0 { write(separator) }
        write(element, verb: verb)
      }
      write(close)
    case .map(let members, let type): write(members, type, verb)
    case .object(let object): write(object, verb)
    }
  }

  private mutating func write(_ members: [String: TemplateValue], _ type: GoType, _ verb: Unicode.Scalar) {
    let isSource = flags.sharp && verb == "v"
    write(isSource ? "\(type){" : "map[")
    for (index, member) in members.inOrder().enumerated() {
      if index > 0 { write(isSource ? ", " : " ") }
      write(.string(member.key), verb: verb)
      write(":")
      write(member.value, verb: verb)
    }
    write(isSource ? "}" : "]")
  }

  private mutating func write(_ object: TemplateObject, _ verb: Unicode.Scalar) {
    if let text = object.text, "vsxXq".unicodeScalars.contains(verb), !(flags.sharp && verb == "v") {
      return write(string: Array(text.utf8), verb)
    }
    let isSource = flags.sharp && verb == "v"
    write(isSource ? "\(object.typeName){" : "{")
    for (index, field) in object.fields.enumerated() {
      if index > 0 { write(isSource ? ", " : " ") }
      if isSource || flags.plus && verb == "v" { write("\(field.name):") }
      write(field.value, verb: verb)
    }
    write("}")
  }

  /// `%!d(string=a)`: the verb is not one for this type.
  mutating func writeBadVerb(_ verb: Unicode.Scalar, _ value: TemplateValue) {
    write("%!\(verb)(")
    writeTyped(value)
    write(")")
  }

  /// A value with its type, as in complaints: `string=a`.
  mutating func writeTyped(_ value: TemplateValue) {
    switch value {
    case .noValue, .null: write("<nil>")
    default:
      write("\(value.type?.description ?? "")=")
      write(value, verb: "v")
    }
  }

  // MARK: Strings

  private mutating func write(string: [UInt8], _ verb: Unicode.Scalar) {
    let text = flags.precision.map { UTF8Scalars.prefix(string, $0) } ?? string
    switch verb {
    case "v" where flags.sharp: pad(GoQuoting.quoted(text))
    case "v", "s": pad(text)
    case "q":
      if flags.sharp, GoQuoting.canBackquote(text) { return pad("`\(String(decoding: text, as: UTF8.self))`") }
      pad(GoQuoting.quoted(text, asciiOnly: flags.plus))
    case "x", "X":
      let counted = flags.precision.map { Array(string.prefix($0)) } ?? string
      let upper = verb == "X"
      let pairs = counted.map { GoQuoting.hex(UInt32($0), digits: 2, upper: upper) }
      let prefix = flags.sharp && !pairs.isEmpty ? "0\(verb)" : ""
      pad(flags.space ? pairs.map { prefix + $0 }.joined(separator: " ") : prefix + pairs.joined())
    default: writeBadVerb(verb, .bytes(string))
    }
  }
}

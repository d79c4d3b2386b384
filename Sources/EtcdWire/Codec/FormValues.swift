// SPDX-License-Identifier: Apache-2.0

/// Why a form or query cannot be read; the message is the cause of error 210.
struct FormError: Error, Equatable {
  var message: String
}

/// The parameters of a request: those of the body before those of the query, the first of a name counting.
///
/// Source: Go's `http.Request.ParseForm`; specs §2.
struct FormValues {
  /// The largest body that is read as a form, in bytes.
  static let maximumBodyBytes = 10 * 1_024 * 1_024
  /// The type of forms.
  static let contentType = "application/x-www-form-urlencoded"
  static let bodyTooLarge = FormError(message: "http: POST too large")

  private var pairs: [(name: String, value: String)] = []

  /// Reads a query alone.
  init(query: String) throws(FormError) {
    try append(query)
  }

  /// Reads a body, if its type says that it is a form, and a query.
  init(contentType: String?, body: [UInt8], query: String) throws(FormError) {
    if let contentType, !contentType.isEmpty {
      let type = contentType == Self.contentType ? contentType : try MediaType(contentType).name
      if type == Self.contentType {
        guard body.count <= Self.maximumBodyBytes else { throw Self.bodyTooLarge }
        try append(body)
      }
    }
    try append(query)
  }

  /// The value that counts; nil when the parameter is absent.
  subscript(name: String) -> String? {
    pairs.first { $0.name == name }?.value
  }

  private mutating func append(_ query: String) throws(FormError) {
    if query.isEmpty { return }
    try append(Array(query.utf8))
  }

  private mutating func append(_ text: some RandomAccessCollection<UInt8>) throws(FormError) {
    var rest = text[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.endIndex
      let pair = rest[..<end]
      rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
      if !pair.isEmpty { try appendPair(pair) }
    }
  }

  private mutating func appendPair(_ pair: some RandomAccessCollection<UInt8>) throws(FormError) {
    guard !pair.contains(UInt8(ascii: ";")) else {
      throw FormError(message: "invalid semicolon separator in query")
    }
    let equals = pair.firstIndex(of: UInt8(ascii: "="))
    do throws(PercentCodingError) {
      let name = try PercentCoding.decode(pair[..<(equals ?? pair.endIndex)], plusIsSpace: true)
      let value = try equals.map { equals throws(PercentCodingError) in
        try PercentCoding.decode(pair[pair.index(after: equals)...], plusIsSpace: true)
      }
      pairs.append((name, value ?? ""))
    } catch {
      throw FormError(message: error.message)
    }
  }
}

/// A `Content-Type`, checked as the original does.
///
/// Source: Go's `mime.ParseMediaType`, whose error texts are kept.
struct MediaType {
  /// The type in lower case, without parameters.
  let name: String

  init(_ header: String) throws(FormError) {
    let base = header.utf8.prefix { $0 != UInt8(ascii: ";") }
    name = String(Self.trimmed(Substring(base))).lowercased()
    try Self.check(name)
    var values: [String: [UInt8]] = [:]
    var rest = header.utf8[base.endIndex...]
    while !Self.withoutBlanks(rest).isEmpty {
      guard let parameter = Self.parameter(&rest) else {
        // A semicolon at the end is let pass.
        if String(Self.trimmed(Substring(rest))) == ";" { return }
        throw FormError(message: "mime: invalid media parameter")
      }
      if let earlier = values[parameter.name], earlier != parameter.value {
        throw FormError(message: "mime: duplicate parameter name")
      }
      values[parameter.name] = parameter.value
    }
  }

  /// Takes `; name=value` off; nil, with nothing taken, when there is none.
  private static func parameter(_ text: inout Substring.UTF8View) -> (name: String, value: [UInt8])? {
    var rest = withoutBlanks(text)
    guard rest.popFirst() == UInt8(ascii: ";") else { return nil }
    rest = withoutBlanks(rest)
    let name = rest.prefix(tokenLength(rest))
    rest = withoutBlanks(rest.dropFirst(name.count))
    guard !name.isEmpty, rest.popFirst() == UInt8(ascii: "=") else { return nil }
    rest = withoutBlanks(rest)
    guard let value = value(&rest) else { return nil }
    text = rest
    return (String(Substring(name)).lowercased(), value)
  }

  /// Takes a token or a quoted text off; nil when there is neither.
  private static func value(_ text: inout Substring.UTF8View) -> [UInt8]? {
    guard text.first == UInt8(ascii: "\"") else {
      let token = text.prefix(tokenLength(text))
      text = text.dropFirst(token.count)
      return token.isEmpty ? nil : Array(token)
    }
    var value: [UInt8] = []
    var rest = text.dropFirst()
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") {
        text = rest
        return value
      }
      if byte == UInt8(ascii: "\\"), let next = rest.first, specials.contains(next) {
        value.append(next)
        rest.removeFirst()
      } else {
        value.append(byte)
      }
    }
    return nil
  }

  private static let specials = Array("()<>@,;:\\\"/[]?=".utf8)

  private static func withoutBlanks(_ text: Substring.UTF8View) -> Substring.UTF8View {
    text.drop { $0 == 32 || (9...13).contains($0) }
  }

  private static func check(_ name: String) throws(FormError) {
    let typeLength = tokenLength(name.utf8)
    guard typeLength > 0 else { throw FormError(message: "mime: no media type") }
    var rest = name.utf8.dropFirst(typeLength)
    guard let separator = rest.popFirst() else { return }
    guard separator == UInt8(ascii: "/") else { throw FormError(message: "mime: expected slash after first token") }
    let subtypeLength = tokenLength(rest)
    guard subtypeLength > 0 else { throw FormError(message: "mime: expected token after slash") }
    guard subtypeLength == rest.count else {
      throw FormError(message: "mime: unexpected content after media subtype")
    }
  }

  private static func tokenLength(_ text: some Sequence<UInt8>) -> Int {
    text.prefix { $0 > 0x20 && $0 < 0x7F && !specials.contains($0) }.count
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }
}

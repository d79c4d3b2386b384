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
    let parts = header.split(separator: ";", omittingEmptySubsequences: false)
    name = Self.trimmed(parts[0]).lowercased()
    try Self.check(name)
    for (place, parameter) in parts.enumerated().dropFirst() {
      let text = Self.trimmed(parameter)
      if text.isEmpty && place == parts.count - 1 { continue }
      let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, Self.tokenLength(sides[0].utf8) == sides[0].utf8.count, !sides[0].isEmpty else {
        throw FormError(message: "mime: invalid media parameter")
      }
    }
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
    text.prefix { $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?=".utf8.contains($0) }.count
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }
}

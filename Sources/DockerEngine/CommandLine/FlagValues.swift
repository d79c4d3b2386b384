// SPDX-License-Identifier: Apache-2.0

/// Readers of the shapes that flag values have.
extension FoundFlag {
  private func bad(_ expected: String) -> DockerCommandLineError {
    .badValue(value, flag: "--" + name, expected: expected)
  }

  /// A truth value as Go's `strconv.ParseBool` takes it.
  func bool() throws(DockerCommandLineError) -> Bool {
    switch value {
    case "1", "t", "T", "true", "TRUE", "True": true
    case "0", "f", "F", "false", "FALSE", "False": false
    default: throw bad("true or false")
    }
  }

  /// A whole number.
  func integer() throws(DockerCommandLineError) -> Int64 {
    guard let number = Int64(value) else { throw bad("a whole number") }
    return number
  }

  /// Bytes with a suffix of 1024: `1g`, `1.5GiB`, `512`.
  func sizeBytes() throws(DockerCommandLineError) -> Int64 {
    try Self.sizeBytes(value, flag: name)
  }

  /// The same, or `-1` for "no limit".
  func sizeBytesOrUnlimited() throws(DockerCommandLineError) -> Int64 {
    value == "-1" ? -1 : try sizeBytes()
  }

  /// Reads bytes with a suffix of 1024.
  static func sizeBytes(_ text: String, flag: String) throws(DockerCommandLineError) -> Int64 {
    let expected = "a size such as 512m or 1g"
    var digits = Substring(text.lowercased())
    if digits.hasSuffix("ib") {
      digits = digits.dropLast(2)
    } else if digits.hasSuffix("b") {
      digits = digits.dropLast()
    }
    let shifts: [Character: Int64] = ["k": 10, "m": 20, "g": 30, "t": 40, "p": 50]
    var shift: Int64 = 0
    if let last = digits.last, let found = shifts[last] {
      shift = found
      digits = digits.dropLast()
    }
    if digits.last == " " { digits = digits.dropLast() }
    guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits) else {
      throw .badValue(text, flag: "--" + flag, expected: expected)
    }
    let size = (number * Double(Int64(1) << shift)).rounded(.towardZero)
    guard let sizeBytes = Int64(exactly: size) else { throw .badValue(text, flag: "--" + flag, expected: expected) }
    return sizeBytes
  }

  /// Processors as billionths, exactly: `1.5` is 1500000000.
  func nanoProcessors() throws(DockerCommandLineError) -> Int64 {
    let parts = value.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? String(parts[1]) : ""
    guard fraction.count <= 9, (parts[0] + fraction).allSatisfy({ $0.isASCII && $0.isNumber }),
      let whole = Int64(parts[0].isEmpty ? "0" : parts[0]), whole < 1_000_000, !value.isEmpty, value != ".",
      let billionths = Int64(fraction + String(repeating: "0", count: 9 - fraction.count))
    else { throw bad("a number of processors such as 1.5") }
    return whole * 1_000_000_000 + billionths
  }

  /// A duration as Go writes it, in nanoseconds: `1m30s`, `500ms`.
  func nanoseconds() throws(DockerCommandLineError) -> Int64 {
    let expected = "a duration such as 30s or 1m30s"
    let units: [String: Double] = ["ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 6e10, "h": 3.6e12]
    if value == "0" { return 0 }
    var rest = Substring(value)
    var total = 0.0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isNumber || $0 == "." }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { !$0.isNumber && $0 != "." }
      rest = rest.dropFirst(unit.count)
      guard let number = Double(digits), let factor = units[String(unit)] else { throw bad(expected) }
      total += number * factor
    }
    guard !value.isEmpty, let nanoseconds = Int64(exactly: total.rounded()) else { throw bad(expected) }
    return nanoseconds
  }

  /// `key=value`; a bare key has the empty value.
  func pair() -> (key: String, value: String) {
    guard let equals = value.firstIndex(of: "=") else { return (value, "") }
    return (String(value[..<equals]), String(value[value.index(after: equals)...]))
  }

  /// `key=value` where the equals sign must be there.
  func strictPair() throws(DockerCommandLineError) -> (key: String, value: String) {
    guard value.contains("="), !value.hasPrefix("=") else { throw bad("key=value") }
    return pair()
  }

  /// `path:rest`, split at the last colon.
  func pathAndRest(_ expected: String) throws(DockerCommandLineError) -> (path: String, rest: String) {
    guard let colon = value.lastIndex(of: ":"), colon != value.startIndex else { throw bad(expected) }
    return (String(value[..<colon]), String(value[value.index(after: colon)...]))
  }

  /// The fields of one line of comma separated values, with double quotes around those that contain commas.
  func commaSeparatedFields() throws(DockerCommandLineError) -> [String] {
    var fields: [String] = []
    var field = ""
    var isQuoted = false
    for character in value {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted:
        fields.append(field)
        field = ""
      default: field.append(character)
      }
    }
    guard !isQuoted else { throw bad("closed quotes") }
    return fields + [field]
  }
}

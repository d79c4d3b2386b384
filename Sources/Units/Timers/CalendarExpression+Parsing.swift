// SPDX-License-Identifier: Apache-2.0

extension CalendarExpression {
  /// Reads an expression.
  ///
  /// - Throws: ``CalendarExpressionError``.
  public init(_ text: String) throws(CalendarExpressionError) {
    do {
      self = try CalendarParser.expression(text)
    } catch {
      throw CalendarExpressionError(text: text, problem: error.text)
    }
  }
}

/// Reads calendar expressions.
private enum CalendarParser {
  /// What is wrong.
  struct Problem: Error {
    var text: String
  }

  /// What the numbers of a list may be, and how they are called.
  struct Field {
    var name: String
    var range: ClosedRange<Int>
    /// What one of them is counted in.
    var unit = 1

    static let year = Field(name: "year", range: CalendarExpression.years)
    static let month = Field(name: "month", range: 1...12)
    static let day = Field(name: "day", range: 1...31)
    /// Every month has them.
    static let dayFromEnd = Field(name: "day before the month's end", range: 1...28)
    static let hour = Field(name: "hour", range: 0...23)
    static let minute = Field(name: "minute", range: 0...59)
    static let second = Field(
      name: "second",
      range: 0...(60 * Int(CivilTime.second) - 1),
      unit: Int(CivilTime.second)
    )
  }

  private static let shorthands = [
    "minutely": "*:*", "hourly": "*:0", "daily": "0:0", "weekly": "Mon 0:0", "monthly": "*-*-1",
    "quarterly": "*-1,4,7,10-1",
    "semiannually": "*-1,7-1", "semi-annually": "*-1,7-1", "biannually": "*-1,7-1", "bi-annually": "*-1,7-1",
    "yearly": "*-1-1", "annually": "*-1-1", "anually": "*-1-1",
  ]

  private static let fullNames = [
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
  ]

  static func expression(_ text: String) throws(Problem) -> CalendarExpression {
    var words = text.split { $0 == " " || $0 == "\t" }
    guard let first = words.first else { throw Problem(text: "it is empty") }
    if let shorthand = shorthands[first.lowercased()] {
      words.replaceSubrange(..<1, with: shorthand.split(separator: " "))
    }
    var expression = CalendarExpression()
    if words.count > 1, let last = words.last, last.first?.isLetter == true {
      expression.zone = try zone(last)
      words.removeLast()
    }
    var rest = words[...]
    if let word = rest.first, word.first?.isLetter == true {
      expression.weekdays = try weekdays(word)
      rest.removeFirst()
    }
    if let word = rest.first, word.hasPrefix("@") {
      try readEpoch(word, &expression)
      rest.removeFirst()
    } else {
      if let word = rest.first, word.contains(where: { $0 == "-" || $0 == "~" }) {
        try readDate(word, &expression)
        rest.removeFirst()
      }
      try readTime(rest.popFirst() ?? "0:0", &expression)
    }
    if let word = rest.first { throw Problem(text: "\"\(word)\" is left over after the time") }
    return expression
  }

  // MARK: Words

  private static func zone(_ word: Substring) throws(Problem) -> CalendarExpression.Zone {
    if word.lowercased() == "utc" { return .utc }
    let isName = word.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "_"): true
      case UInt8(ascii: "/"): true
      default: false
      }
    }
    guard isName, !word.hasSuffix("/"), !word.contains("//"), word.utf8.count <= 128 else {
      throw Problem(text: "\"\(word)\" is no time zone")
    }
    return .named(String(word))
  }

  private static func weekdays(_ word: Substring) throws(Problem) -> UInt8 {
    var days: UInt8 = 0
    var parts = word.split(separator: ",", omittingEmptySubsequences: false)
    if parts.count > 1, parts.last == "" { parts.removeLast() }
    for part in parts {
      let ends = part.replacing("..", with: "-").split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count <= 2 else { throw Problem(text: "\"\(part)\" is no range of weekdays") }
      let first = try weekday(ends[0])
      let last = ends.count == 2 ? try weekday(ends[1]) : first
      guard first <= last else {
        throw Problem(text: "\"\(part)\" goes backwards: a week begins on Monday")
      }
      for day in first...last { days |= 1 << day }
    }
    return days
  }

  private static func weekday(_ name: Substring) throws(Problem) -> Int {
    let lower = name.lowercased()
    guard let index = fullNames.firstIndex(where: { $0 == lower || $0.prefix(3) == lower }) else {
      throw Problem(text: "\"\(name)\" is no weekday")
    }
    return index
  }

  /// Seconds since the Unix epoch.
  private static func readEpoch(_ word: Substring, _ expression: inout CalendarExpression) throws(Problem) {
    let digits = word.dropFirst()
    guard let seconds = number(digits), digits.utf8.count <= 10 else {
      throw Problem(text: "\"\(word)\" is no number of seconds since 1970")
    }
    let time = CivilTime(microsecondsOnClock: Int64(seconds) * CivilTime.second)
    guard CalendarExpression.years.contains(time.year) else {
      throw Problem(text: "\"\(word)\" is after the year \(CalendarExpression.years.upperBound)")
    }
    func single(_ value: Int) -> [CalendarExpression.Component] { [CalendarExpression.Component(start: value)] }
    let secondOfDay = Int(time.microseconds / CivilTime.second)
    expression.years = single(time.year)
    expression.months = single(time.month)
    expression.days = single(time.day)
    expression.hours = single(secondOfDay / 3600)
    expression.minutes = single(secondOfDay / 60 % 60)
    expression.seconds = single(secondOfDay % 60 * Int(CivilTime.second))
    expression.zone = .utc
  }

  private static func readDate(_ word: Substring, _ expression: inout CalendarExpression) throws(Problem) {
    let parts = word.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "~" }
    let separators = word.filter { $0 == "-" || $0 == "~" }
    guard parts.count == 2 || parts.count == 3, !separators.dropLast().contains("~") else {
      throw Problem(text: "\"\(word)\" is no date")
    }
    let isFromEnd = separators.hasSuffix("~")
    if parts.count == 3 { expression.years = try list(parts[0], .year) }
    expression.months = try list(parts[parts.count - 2], .month)
    expression.days = try list(parts[parts.count - 1], isFromEnd ? .dayFromEnd : .day)
    expression.countsDaysFromEnd = isFromEnd && !expression.days.isEmpty
  }

  private static func readTime(_ word: Substring, _ expression: inout CalendarExpression) throws(Problem) {
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 else { throw Problem(text: "\"\(word)\" is neither a date nor a time") }
    expression.hours = try list(parts[0], .hour)
    expression.minutes = try list(parts[1], .minute)
    expression.seconds = try list(parts.count == 3 ? parts[2] : "0", .second)
  }

  // MARK: Lists

  private static func list(_ text: Substring, _ field: Field) throws(Problem) -> [CalendarExpression.Component] {
    guard text != "*" else { return [] }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= CalendarExpression.componentLimit else {
      throw Problem(text: "there are more than \(CalendarExpression.componentLimit) in a list")
    }
    var components: [CalendarExpression.Component] = []
    for part in parts {
      let component = try component(part, field)
      if !components.contains(component) { components.append(component) }
    }
    return components.sorted {
      ($0.start, $0.stop ?? -1, $0.step ?? 0) < ($1.start, $1.stop ?? -1, $1.step ?? 0)
    }
  }

  private static func component(_ text: Substring, _ field: Field) throws(Problem) -> CalendarExpression.Component {
    let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let ends = halves[0].split(separator: "..", maxSplits: 1, omittingEmptySubsequences: false)
    let start = try value(ends[0], field)
    var stop = ends.count == 2 ? try value(ends[1], field) : nil
    var step = halves.count == 2 ? try quantity(halves[1], field) : nil
    if let step {
      guard step > 0, stop != nil || field.range.contains(start + step) else {
        throw Problem(text: "the step of \"\(text)\" is not within the range of a \(field.name)")
      }
    } else if stop != nil {
      step = field.unit
    }
    if let end = stop, let width = step {
      guard end >= start else { throw Problem(text: "\"\(text)\" goes backwards") }
      let last = end - (end - start) % width
      (stop, step) = last == start ? (nil, nil) : (last, width)
    }
    return CalendarExpression.Component(start: start, stop: stop, step: step)
  }

  private static func value(_ text: Substring, _ field: Field) throws(Problem) -> Int {
    var value = try quantity(text, field)
    // Two digits stand for 1970 to 2069.
    if field.name == Field.year.name, value < 100 { value += value < 70 ? 2000 : 1900 }
    guard field.range.contains(value) else {
      let range = field.range.lowerBound / field.unit...field.range.upperBound / field.unit
      throw Problem(text: "\"\(text)\" is no \(field.name), which is from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A number; one of seconds may have a fraction of up to six digits.
  private static func quantity(_ text: Substring, _ field: Field) throws(Problem) -> Int {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    if field.unit > 1, parts.count == 2, let whole = number(parts[0]), let rest = number(parts[1]),
      parts[1].utf8.count <= 6
    {
      return whole * field.unit + (parts[1].utf8.count..<6).reduce(rest) { value, _ in value * 10 }
    }
    guard let number = number(text) else { throw Problem(text: "\"\(text)\" is no \(field.name)") }
    return number * field.unit
  }

  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.count <= 11, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int(text)
  }
}

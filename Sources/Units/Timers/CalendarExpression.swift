// SPDX-License-Identifier: Apache-2.0

/// Instants that recur by the calendar, as `OnCalendar=` has them: `Mon..Fri *-*-* 09:00 Europe/Berlin`.
///
/// Source: systemd.time(7) "CALENDAR EVENTS"; systemd 252 `src/shared/calendarspec.c`, by what `systemd-analyze calendar`
/// answers.
/// Differs: blanks may be more than one everywhere; the name of a summer time (`CEST`) is no time zone.
public struct CalendarExpression: Sendable, Hashable, CustomStringConvertible {
  /// Whose clocks it is about.
  public enum Zone: Sendable, Hashable {
    /// The machine's.
    case local
    /// UTC.
    case utc
    /// Those of a zone by its name.
    case named(String)
  }

  /// One part of a list: a number, a range, or a beginning with a step.
  struct Component: Sendable, Hashable {
    var start: Int
    /// The last number of a range; nil without one.
    var stop: Int?
    /// Nil for a single number.
    var step: Int?
  }

  /// How many parts a list may have.
  static let componentLimit = 240
  /// Years that are looked at.
  static let years = 1970...2199

  /// A bit for each weekday, the lowest for Monday.
  var weekdays: UInt8 = Self.everyWeekday
  /// An empty list stands for every year, and so on.
  var years: [Component] = []
  var months: [Component] = []
  var days: [Component] = []
  /// Whether days are counted from the month's last one, which is 1.
  var countsDaysFromEnd = false
  var hours: [Component] = []
  var minutes: [Component] = []
  /// Microseconds of the minute.
  var seconds: [Component] = []
  /// The time zone.
  public internal(set) var zone = Zone.local

  static let everyWeekday: UInt8 = 0b111_1111
  static let weekdayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

  /// Every instant.
  init() {}

  // MARK: Printing

  /// The normalised form, as `systemd-analyze calendar` prints it.
  public var description: String {
    let separator = countsDaysFromEnd ? "~" : "-"
    let date =
      "\(Self.text(years, digits: 4))-\(Self.text(months, digits: 2))\(separator)\(Self.text(days, digits: 2))"
    let time = "\(Self.text(hours, digits: 2)):\(Self.text(minutes, digits: 2)):\(Self.secondsText(seconds))"
    let suffix: String? =
      switch zone {
      case .local: nil
      case .utc: "UTC"
      case .named(let name): name
      }
    return ([weekdayText, date, time, suffix] as [String?]).compactMap { $0 }.joined(separator: " ")
  }

  /// Runs of three and more are ranges.
  private var weekdayText: String? {
    guard weekdays != Self.everyWeekday else { return nil }
    var parts: [String] = []
    var day = 0
    while day < 7 {
      guard weekdays & 1 << day != 0 else {
        day += 1
        continue
      }
      let length = (day..<7).prefix { weekdays & 1 << $0 != 0 }.count
      let names = Self.weekdayNames[day..<(day + length)]
      parts.append(length > 2 ? "\(names[day])..\(names[day + length - 1])" : names.joined(separator: ","))
      day += length
    }
    return parts.joined(separator: ",")
  }

  private static func text(_ components: [Component], digits: Int) -> String {
    list(components, unit: 1) { number in
      let text = String(number)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    } step: {
      String($0)
    }
  }

  private static func secondsText(_ components: [Component]) -> String {
    list(components, unit: Int(CivilTime.second)) { number in
      let text = fraction(number)
      return number < 10 * Int(CivilTime.second) ? "0\(text)" : text
    } step: {
      fraction($0)
    }
  }

  private static func fraction(_ microseconds: Int) -> String {
    let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: Int(CivilTime.second))
    guard rest > 0 else { return String(whole) }
    let digits = String(rest)
    return "\(whole).\(String(repeating: "0", count: 6 - digits.count))\(digits)"
  }

  private static func list(
    _ components: [Component],
    unit: Int,
    number: (Int) -> String,
    step: (Int) -> String
  ) -> String {
    guard !components.isEmpty else { return "*" }
    return components.map { component in
      var text = number(component.start)
      if let stop = component.stop { text += "..\(number(stop))" }
      if let width = component.step, component.stop == nil || width != unit { text += "/\(step(width))" }
      return text
    }.joined(separator: ",")
  }
}

/// Why a text is no calendar expression.
public struct CalendarExpressionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text.
  public var text: String
  /// What is wrong with it.
  public var problem: String

  /// One sentence that names the text, what is wrong and how it is written.
  public var description: String {
    "\"\(text)\" is no calendar expression: \(problem); it is written as \"Mon..Fri *-*-* 09:00:00 Europe/Berlin\","
      + " of which everything but a date, a time or weekdays may be left out"
  }
}

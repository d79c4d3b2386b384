// SPDX-License-Identifier: Apache-2.0

/// A time as Go's package `time` shows it.
public struct GoTime: Sendable, Equatable {
  /// Seconds since the start of 1970, UTC.
  public var seconds: Int
  /// Nanoseconds beyond the seconds.
  public var nanoseconds: Int
  /// What the place adds to UTC, in seconds.
  public var zoneSeconds: Int
  /// The name of the place's time, such as `UTC` or `CET`.
  public var zone: String

  /// Makes a time.
  public init(seconds: Int, nanoseconds: Int, zoneSeconds: Int = 0, zone: String = "UTC") {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
    self.zoneSeconds = zoneSeconds
    self.zone = zone
  }

  /// The same moment in UTC.
  public var utc: GoTime { GoTime(seconds: seconds, nanoseconds: nanoseconds) }

  /// The date and the time of day where it is shown.
  var calendar: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, weekday: Int, yearDay: Int) {
    let local = seconds + zoneSeconds
    let days = Int((Double(local) / 86400).rounded(.down))
    let rest = local - days * 86400
    let (year, month, day) = Self.date(daysSince1970: days)
    let yearDay = days - Self.days(year, 1, 1) + 1
    return (year, month, day, rest / 3600, rest / 60 % 60, rest % 60, ((days + 4) % 7 + 7) % 7, yearDay)
  }

  /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  private static func date(daysSince1970 days: Int) -> (Int, Int, Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

extension GoTime {
  static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  /// The time by an example, as Go has it: `2006-01-02 15:04:05.000 -0700 MST`.
  public func formatted(_ layout: String) -> String {
    let calendar = calendar
    var output = ""
    var rest = layout[...]
    while !rest.isEmpty {
      guard let part = Self.parts.first(where: { rest.hasPrefix($0.example) && Self.isWhole($0.example, rest) }) else {
        if let fraction = fraction(&rest) { output += fraction } else { output.append(rest.removeFirst()) }
        continue
      }
      rest = rest.dropFirst(part.example.count)
      output += part.text(self, calendar)
    }
    return output
  }

  private typealias Calendar = (
    year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, weekday: Int, yearDay: Int
  )

  private struct Part: Sendable {
    var example: String
    var text: @Sendable (GoTime, Calendar) -> String
  }

  /// `Jan` in `Janet` is no month.
  private static func isWhole(_ example: String, _ rest: Substring) -> Bool {
    guard example == "Jan" || example == "Mon" else { return true }
    return rest.dropFirst(3).first?.isLowercase != true
  }

  private static func padded(_ number: Int, _ width: Int, with pad: Character = "0") -> String {
    let text = String(number)
    return String(repeating: pad, count: max(0, width - text.count)) + text
  }

  /// Longer examples stand before those they begin with.
  private static let parts: [Part] = [
    Part(example: "January") { months[$1.month - 1] }, Part(example: "Jan") { String(months[$1.month - 1].prefix(3)) },
    Part(example: "Monday") { weekdays[$1.weekday] }, Part(example: "Mon") { String(weekdays[$1.weekday].prefix(3)) },
    Part(example: "MST") { time, _ in time.zone },
    Part(example: "2006") { padded($1.year, 4) },
    Part(example: "002") { padded($1.yearDay, 3) }, Part(example: "__2") { padded($1.yearDay, 3, with: " ") },
    Part(example: "_2006") { "_" + padded($1.year, 4) }, Part(example: "_2") { padded($1.day, 2, with: " ") },
    Part(example: "01") { padded($1.month, 2) }, Part(example: "02") { padded($1.day, 2) },
    Part(example: "03") { padded(($1.hour + 11) % 12 + 1, 2) }, Part(example: "04") { padded($1.minute, 2) },
    Part(example: "05") { padded($1.second, 2) }, Part(example: "06") { padded($1.year % 100, 2) },
    Part(example: "15") { padded($1.hour, 2) },
    Part(example: "Z07:00") { time, _ in time.offset(":", utc: "Z") },
    Part(example: "Z0700") { time, _ in time.offset("", utc: "Z") },
    Part(example: "-07:00") { time, _ in time.offset(":") }, Part(example: "-0700") { time, _ in time.offset("") },
    Part(example: "-07") { time, _ in String(time.offset("").prefix(3)) },
    Part(example: "PM") { $1.hour >= 12 ? "PM" : "AM" }, Part(example: "pm") { $1.hour >= 12 ? "pm" : "am" },
    Part(example: "1") { String($1.month) }, Part(example: "2") { String($1.day) },
    Part(example: "3") { String(($1.hour + 11) % 12 + 1) }, Part(example: "4") { String($1.minute) },
    Part(example: "5") { String($1.second) },
  ]

  private func offset(_ separator: String, utc: String? = nil) -> String {
    if let utc, zoneSeconds == 0 { return utc }
    let minutes = abs(zoneSeconds) / 60
    return (zoneSeconds < 0 ? "-" : "+") + Self.padded(minutes / 60, 2) + separator + Self.padded(minutes % 60, 2)
  }

  /// `.000` writes that many digits, `.999` leaves zeros at the end out.
  private func fraction(_ rest: inout Substring) -> String? {
    guard let point = rest.first, point == "." || point == ",", let digit = rest.dropFirst().first,
      digit == "0" || digit == "9"
    else { return nil }
    let digits = rest.dropFirst().prefix { $0 == digit }
    guard rest.dropFirst(1 + digits.count).first?.isNumber != true else { return nil }
    rest = rest.dropFirst(1 + digits.count)
    var text = String(Self.padded(nanoseconds, 9).prefix(digits.count))
    if digit == "9" { while text.hasSuffix("0") { text.removeLast() } }
    return text.isEmpty ? "" : "\(point)\(text)"
  }
}

extension GoTime {
  /// The time for templates, with the methods that they use.
  public var value: TemplateValue {
    let calendar = calendar
    func method(_ value: @autoclosure @escaping @Sendable () -> TemplateValue) -> TemplateFunction {
      TemplateFunction { (_) throws(TemplateFunctionError) in value() }
    }
    return .object(
      TemplateObject(
        "time.Time",
        methods: [
          "Format": TemplateFunction([.string]) { (values) throws(TemplateFunctionError) in
            .string(formatted(values[0].text ?? ""))
          },
          "UTC": method(utc.value),
          "Unix": method(.integer(seconds, .int64)),
          "UnixNano": method(.integer(seconds &* 1_000_000_000 &+ nanoseconds, .int64)),
          "Year": method(.int(calendar.year)),
          "YearDay": method(.int(calendar.yearDay)),
          "Month": method(Self.named("time.Month", calendar.month, Self.months[calendar.month - 1])),
          "Weekday": method(Self.named("time.Weekday", calendar.weekday, Self.weekdays[calendar.weekday])),
          "Day": method(.int(calendar.day)),
          "Hour": method(.int(calendar.hour)),
          "Minute": method(.int(calendar.minute)),
          "Second": method(.int(calendar.second)),
          "Nanosecond": method(.int(nanoseconds)),
          "String": method(.string(formatted("2006-01-02 15:04:05.999999999 -0700 MST"))),
        ],
        text: formatted("2006-01-02 15:04:05.999999999 -0700 MST")
      )
    )
  }

  private static func named(_ type: String, _ number: Int, _ text: String) -> TemplateValue {
    .object(TemplateObject(type, fields: [("", .int(number))], text: text))
  }
}

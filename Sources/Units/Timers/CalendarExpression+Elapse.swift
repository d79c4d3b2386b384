// SPDX-License-Identifier: Apache-2.0

/// When an expression elapses.
extension CalendarExpression {
  /// The first instant after another one; nil when there is none before the year 2200 or the time zone is not in the table.
  ///
  /// What clocks never show because they are put forward does not elapse. What they show twice because they are put back
  /// elapses once, the first time; what recurs within that hour pauses until its clocks go on, as under systemd.
  /// Units: microseconds since the Unix epoch.
  public func next(afterEpochMicroseconds instant: Int64, zones: TimeZoneTable) -> Int64? {
    guard let rules = rules(in: zones) else { return nil }
    let offset = rules.offset(atEpochSeconds: instant.floored(by: CivilTime.second)) * CivilTime.second
    var earliest = instant + offset + 1
    // Each turn is past one more gap or repetition of the clocks, of which there are few a year.
    for _ in 0..<1000 {
      guard let match = firstMatch(from: CivilTime(microsecondsOnClock: earliest))?.microsecondsOnClock else {
        return nil
      }
      switch rules.reading(match) {
      case .skipped(let next): earliest = max(next, match + 1)
      case .instants(let instants):
        if let later = instants.first(where: { $0 > instant }) { return later }
        earliest = match + 1
      }
    }
    return nil
  }

  /// The first instant after one at which something elapsed that follows the expression, perhaps late.
  ///
  /// What clocks show once more because they have been put back does not elapse once more.
  /// Units: microseconds since the Unix epoch.
  public func next(afterElapseAtEpochMicroseconds instant: Int64, zones: TimeZoneTable) -> Int64? {
    guard let next = next(afterEpochMicroseconds: instant, zones: zones) else { return nil }
    guard let repetition = rules(in: zones)?.repetition(ofEpochMicroseconds: next), repetition.first <= instant else {
      return next
    }
    return self.next(afterEpochMicroseconds: repetition.end - 1, zones: zones)
  }

  private func rules(in zones: TimeZoneTable) -> TimeZoneRules? {
    switch zone {
    case .local: zones.local
    case .utc: .utc
    case .named(let name): zones.named[name]
    }
  }

  // MARK: On clocks without a zone

  /// The first matching reading that is not earlier than another one.
  private func firstMatch(from start: CivilTime) -> CivilTime? {
    var time = start
    if time.year < Self.years.lowerBound { time.reset(year: Self.years.lowerBound) }
    while true {
      guard let year = Self.match(years, from: time.year, through: Self.years.upperBound) else { return nil }
      if year != time.year { time.reset(year: year) }
      guard let month = Self.match(months, from: time.month, through: 12) else {
        time.reset(year: year + 1)
        continue
      }
      if month != time.month { time.reset(year: year, month: month) }
      guard let day = matchingDay(from: time) else {
        time.reset(year: year, month: month + 1)
        continue
      }
      if day != time.day { time.reset(year: year, month: month, day: day) }
      guard let microseconds = matchingTime(from: time.microseconds) else {
        time.reset(year: year, month: month, day: day + 1)
        continue
      }
      time.microseconds = microseconds
      return time
    }
  }

  private func matchingDay(from time: CivilTime) -> Int? {
    let count = CivilTime.dayCount(year: time.year, month: time.month)
    var day = time.day
    let wanted = countsDaysFromEnd ? days.compactMap { $0.countedFromEnd(ofMonthWith: count) } : days
    guard !countsDaysFromEnd || !wanted.isEmpty || days.isEmpty else { return nil }
    while let match = Self.match(wanted, from: day, through: count) {
      let date = CivilTime(year: time.year, month: time.month, day: match, microseconds: 0)
      if weekdays & 1 << date.weekday != 0 { return match }
      day = match + 1
    }
    return nil
  }

  private func matchingTime(from start: Int64) -> Int64? {
    let minute = 60 * Int(CivilTime.second)
    var (minuteOfDay, rest) = Int(start).quotientAndRemainder(dividingBy: minute)
    while let hour = Self.match(hours, from: minuteOfDay / 60, through: 23) {
      if hour != minuteOfDay / 60 { (minuteOfDay, rest) = (hour * 60, 0) }
      guard let found = Self.match(minutes, from: minuteOfDay % 60, through: 59) else {
        (minuteOfDay, rest) = ((hour + 1) * 60, 0)
        continue
      }
      if found != minuteOfDay % 60 { (minuteOfDay, rest) = (hour * 60 + found, 0) }
      if let second = matchingSecond(from: rest) { return Int64(minuteOfDay * minute + second) }
      (minuteOfDay, rest) = (minuteOfDay + 1, 0)
    }
    return nil
  }

  /// `*` stands for whole seconds.
  private func matchingSecond(from start: Int) -> Int? {
    let second = Int(CivilTime.second)
    let every = [Component(start: 0, stop: nil, step: second)]
    return Self.match(seconds.isEmpty ? every : seconds, from: start, through: 60 * second - 1)
  }

  /// The least number from `start` to `end` that is in a list; every number is in an empty one.
  private static func match(_ components: [Component], from start: Int, through end: Int) -> Int? {
    let matches = components.isEmpty ? [start] : components.compactMap { $0.first(from: start) }
    return matches.filter { $0 <= end }.min()
  }
}

extension CalendarExpression.Component {
  /// The least number of it that is not below another one.
  fileprivate func first(from number: Int) -> Int? {
    guard number > start else { return start }
    guard let step else { return nil }
    let next = start + (number - start + step - 1) / step * step
    return next <= stop ?? Int.max ? next : nil
  }

  /// The same days counted from the month's first one; nil when they lie before it.
  fileprivate func countedFromEnd(ofMonthWith count: Int) -> Self? {
    let first = count + 1 - (stop ?? start)
    guard first >= 1 else { return nil }
    return Self(start: first, stop: stop == nil ? nil : count + 1 - start, step: step)
  }
}

extension CivilTime {
  /// The beginning of a year, month or day.
  fileprivate mutating func reset(year: Int, month: Int = 1, day: Int = 1) {
    self = CivilTime(year: year, month: month, day: day, microseconds: 0)
  }
}

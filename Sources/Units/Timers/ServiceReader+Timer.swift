// SPDX-License-Identifier: Apache-2.0

/// `[Timer]`.
extension ServiceReader {
  mutating func readTimer(_ option: UnitOption) {
    guard var timer else { return }
    defer { self.timer = timer }
    if let base = TimerDefinition.Base(rawValue: option.name) {
      readTime(option, of: &timer) { (reader, timer, option) in
        reader.duration(option) { timer.delays.append(TimerDefinition.Delay(base: base, duration: $0)) }
      }
      return
    }
    switch option.name {
    case "OnCalendar":
      readTime(option, of: &timer) { (reader, timer, option) in
        do throws(CalendarExpressionError) {
          timer.calendar.append(try CalendarExpression(reader.expanded(option.value)))
        } catch {
          reader.bad(option, "a calendar expression such as Mon..Fri *-*-* 09:00, but \(error.problem)")
        }
      }
    case "AccuracySec": duration(option) { timer.accuracy = $0 }
    case "RandomizedDelaySec": duration(option) { timer.randomizedDelay = $0 }
    case "FixedRandomDelay": timer.hasFixedRandomDelay = flag(option) ?? timer.hasFixedRandomDelay
    case "Persistent": timer.isPersistent = flag(option) ?? timer.isPersistent
    case "RemainAfterElapse": timer.remainsAfterElapse = flag(option) ?? timer.remainsAfterElapse
    case "OnClockChange": timer.elapsesOnClockChange = flag(option) ?? timer.elapsesOnClockChange
    case "Unit": readTriggered(option) { timer.triggered = $0 }
    default: notCarriedOut(option)
    }
  }

  /// What cannot be judged before the end of the file.
  mutating func checkTimer() {
    guard let timer else { return }
    if timer.delays.isEmpty, timer.calendar.isEmpty, !timer.elapsesOnClockChange {
      let names = TimerDefinition.Base.allCases.map { "\($0.rawValue)=" } + ["OnCalendar=", "OnClockChange="]
      findings.append(.missingSetting("the timer never elapses: it has none of \(names.joined(separator: ", "))"))
    }
  }

  /// An empty value takes every time back, of both kinds.
  private mutating func readTime(
    _ option: UnitOption,
    of timer: inout TimerDefinition,
    _ read: (inout ServiceReader, inout TimerDefinition, UnitOption) -> Void
  ) {
    if option.value.isEmpty {
      timer.delays = []
      timer.calendar = []
    } else if timer.delays.count + timer.calendar.count < TimerDefinition.timeLimit {
      read(&self, &timer, option)
    } else {
      bad(option, "at most \(TimerDefinition.timeLimit) times")
    }
  }

  // MARK: Kinds of values

  /// A unit to be started, of another type than this one.
  mutating func readTriggered(_ option: UnitOption, _ set: (String) -> Void) {
    let name = expanded(option.value)
    guard let other = try? UnitName(name), !other.isTemplate else {
      return bad(option, "the name of a unit that is no template")
    }
    guard other.suffix != unit.suffix else {
      return bad(option, "a unit of another type than \(unit.suffix)")
    }
    set(name)
  }

  mutating func duration(_ option: UnitOption, _ set: (Duration) -> Void) {
    guard let span = TimeSpan(expanded(option.value)) else {
      return bad(option, "a time span such as 5min 20s")
    }
    set(span.duration ?? Self.endless)
  }

  /// Longer than anything that is waited for, and short enough to be added to.
  private static var endless: Duration { .seconds(Int64.max / 1_000_000_000) }

  mutating func flag(_ option: UnitOption) -> Bool? {
    let value = BooleanValue.read(option.value)
    if value == nil { bad(option, "yes or no") }
    return value
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Standard input, output and error, and what becomes of lines.
extension ExecutionReader {
  mutating func readStreams(_ option: UnitOption) -> Bool {
    switch option.name {
    case "StandardInput": readInput(option)
    case "StandardInputText": readText(option)
    case "StandardInputData":
      if option.value.isEmpty {
        settings.inputData = []
      } else if let bytes = Base64.decode(Array(option.value.utf8), requiresPadding: false) {
        settings.inputData += bytes
      } else {
        ignore(option, "Base64")
      }
    case "StandardOutput": readOutput(option, \.output)
    case "StandardError": readOutput(option, \.errorOutput)
    case "SyslogIdentifier":
      settings.syslogIdentifier = option.value.isEmpty ? nil : expanded(option.value)
    case "SyslogLevel": level(option, \.level, default: 6)
    case "LogLevelMax": level(option, \.maximumLevel, default: 7)
    case "SyslogLevelPrefix": boolean(option, \.lineRule.hasPrefix)
    case "LogRateLimitIntervalSec": readRateInterval(option)
    case "LogRateLimitBurst": readRateBurst(option)
    default: return false
    }
    return true
  }

  private mutating func level(
    _ option: UnitOption,
    _ path: WritableKeyPath<OutputLineRule, Int>,
    default number: Int
  ) {
    if let level = option.value.isEmpty ? number : OutputLineRule.level(option.value) {
      settings.lineRule[keyPath: path] = level
    } else {
      ignore(option, "emerg, alert, crit, err, warning, notice, info or debug")
    }
  }

  private mutating func readRateInterval(_ option: UnitOption) {
    var limit = settings.lineRule.rateLimit ?? LineRateLimit()
    if option.value.isEmpty {
      limit.intervalMicroseconds = LineRateLimit().intervalMicroseconds
    } else if let span = TimeSpan(option.value)?.duration {
      limit.intervalMicroseconds = Int64(span / .microseconds(1))
    } else {
      return ignore(option, "a time span")
    }
    settings.lineRule.rateLimit = limit
  }

  private mutating func readRateBurst(_ option: UnitOption) {
    var limit = settings.lineRule.rateLimit ?? LineRateLimit()
    if option.value.isEmpty {
      limit.burst = LineRateLimit().burst
    } else if let burst = UInt32(option.value) {
      limit.burst = Int(burst)
    } else {
      return ignore(option, "a number of lines")
    }
    settings.lineRule.rateLimit = limit
  }

  private mutating func readInput(_ option: UnitOption) {
    let value = option.value
    switch value {
    case "": settings.input = nil
    case "null": settings.input = .null
    case "data": settings.input = .data([])
    case "socket": settings.input = .socket
    default:
      if let path = path(value, after: "file:") {
        settings.input = .file(path)
      } else if Self.isTerminalOrDescriptor(value) {
        settings.input = .null
        valueNotCarriedOut(option, instead: "there is nothing to read")
      } else {
        ignore(option, "null, data, socket or file:/PATH")
      }
    }
  }

  private mutating func readText(_ option: UnitOption) {
    guard !option.value.isEmpty else {
      settings.inputData = []
      return
    }
    do {
      settings.inputData += Array(expanded(try CommandWords.unescaped(option.value)).utf8) + [UInt8(ascii: "\n")]
    } catch {
      ignore(option, "text, but \(error)")
    }
  }

  private mutating func readOutput(
    _ option: UnitOption,
    _ target: WritableKeyPath<ExecutionSettings, OutputTarget>
  ) {
    let value = option.value
    if target == \.output { hasOutput = !value.isEmpty }
    switch value {
    case "": settings[keyPath: target] = ExecutionSettings()[keyPath: target]
    case "inherit": settings[keyPath: target] = .inherit
    case "null": settings[keyPath: target] = .null
    case "journal", "syslog": settings[keyPath: target] = .journal
    case "socket": settings[keyPath: target] = .socket
    default:
      if let path = path(value, after: "file:") {
        settings[keyPath: target] = .file(path)
      } else if let path = path(value, after: "append:") {
        settings[keyPath: target] = .append(path)
      } else if let path = path(value, after: "truncate:") {
        settings[keyPath: target] = .truncate(path)
      } else if ["kmsg", "journal+console", "syslog+console", "kmsg+console"].contains(value)
        || Self.isTerminalOrDescriptor(value)
      {
        settings[keyPath: target] = .journal
        valueNotCarriedOut(option, instead: "output goes to the journal")
      } else {
        ignore(option, "journal, null, inherit, socket, file:/PATH, append:/PATH or truncate:/PATH")
      }
    }
  }

  /// What was read, with what follows from all of it: what is read from a socket is answered there.
  var wholeSettings: ExecutionSettings {
    var whole = settings
    if whole.input == .socket, !hasOutput { whole.output = .inherit }
    return whole
  }

  private static func isTerminalOrDescriptor(_ value: String) -> Bool {
    ["tty", "tty-force", "tty-fail", "fd"].contains(value) || value.hasPrefix("fd:")
  }

  /// The absolute path that follows a word; nil when there is none.
  private func path(_ value: String, after word: String) -> String? {
    guard value.hasPrefix(word) else { return nil }
    let path = expanded(String(value.dropFirst(word.count)))
    return path.hasPrefix("/") ? path : nil
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Where a command reads from (`StandardInput=`).
public enum InputSource: Sendable, Equatable, Codable {
  /// Nothing is there to read.
  case null
  /// These bytes, then the end.
  case data([UInt8])
  /// A file.
  case file(String)
  /// The one socket that the service is started for.
  case socket
}

/// Where a command writes to (`StandardOutput=`, `StandardError=`).
///
/// Source: systemd.exec(5) "LOGGING AND STANDARD INPUT/OUTPUT".
public enum OutputTarget: Sendable, Equatable, Codable {
  /// The unit's journal.
  case journal
  /// What is written is lost.
  case null
  /// The same as standard input for standard output, the same as standard output for standard error.
  case inherit
  /// A file, from its beginning, without shortening it.
  case file(String)
  /// A file, at its end.
  case append(String)
  /// A file that is emptied first.
  case truncate(String)
  /// The one socket that the service is started for.
  case socket
}

/// What becomes of a line of output before it is kept.
///
/// Source: systemd.exec(5) `SyslogLevelPrefix=`, `SyslogLevel=`, `LogLevelMax=`; sd-daemon(3).
public struct OutputLineRule: Sendable, Equatable, Codable {
  /// The level of a line that does not say its own, 0 (emerg) to 7 (debug).
  public var level = 6
  /// Whether `<N>` at the beginning of a line is its level.
  public var hasPrefix = true
  /// Lines of a higher number are dropped.
  public var maximumLevel = 7
  /// How many lines are kept in a span of time; nil for all.
  public var rateLimit: LineRateLimit?

  /// Makes the rule that keeps everything.
  public init() {}

  /// The line as it is kept, without its prefix, and its level; nil when it is dropped.
  public func kept(_ line: [UInt8]) -> (level: Int, text: [UInt8])? {
    let (level, text) = (hasPrefix ? Self.prefixed(line) : nil) ?? (self.level, line)
    return level <= maximumLevel ? (level, text) : nil
  }

  /// A priority has three digits at most; its lowest three bits are the level, the others a facility.
  private static func prefixed(_ line: [UInt8]) -> (level: Int, text: [UInt8])? {
    guard line.first == UInt8(ascii: "<"), let end = line.prefix(5).firstIndex(of: UInt8(ascii: ">")),
      let priority = UInt16(String(decoding: line[1..<end], as: UTF8.self)), priority <= 191
    else { return nil }
    return (Int(priority & 7), Array(line[(end + 1)...]))
  }

  /// The number of a level by its name or number; nil when it is none.
  public static func level(_ text: String) -> Int? {
    let names = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
    if let number = Int(text) { return names.indices.contains(number) ? number : nil }
    return names.firstIndex(of: text)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A signal of Linux by its number.
public struct UnixSignal: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The number.
  public var number: Int32

  /// SIGHUP.
  public static let hangUp = UnixSignal(number: 1)
  /// SIGABRT.
  public static let abort = UnixSignal(number: 6)
  /// SIGKILL.
  public static let kill = UnixSignal(number: 9)
  /// SIGTERM.
  public static let terminate = UnixSignal(number: 15)
  /// SIGCONT.
  public static let `continue` = UnixSignal(number: 18)

  /// The signals that end a daemon without counting as a failure: HUP, INT, PIPE, TERM.
  public static let clean: Set<UnixSignal> = [
    .hangUp, UnixSignal(number: 2), UnixSignal(number: 13), .terminate,
  ]

  /// Makes a signal from its number.
  public init(number: Int32) {
    self.number = number
  }

  /// Reads `SIGTERM`, `TERM`, `15` or `SIGRTMIN+3`; nil when there is no such signal.
  public init?(_ text: String) {
    if let number = Int32(text) {
      guard (1...64).contains(number) else { return nil }
      self.init(number: number)
      return
    }
    let name = text.hasPrefix("SIG") ? String(text.dropFirst(3)) : text
    if let number = Self.realTimeNumber(name) {
      self.init(number: number)
      return
    }
    guard let index = Self.names.firstIndex(of: name) else { return nil }
    self.init(number: Int32(index) + 1)
  }

  /// The number of `RTMIN`, `RTMIN+n`, `RTMAX` and `RTMAX-n`; the C library keeps two for itself, so they begin at 34.
  private static func realTimeNumber(_ name: String) -> Int32? {
    let number: Int32?
    switch name {
    case "RTMIN": number = 34
    case "RTMAX": number = 64
    case _ where name.hasPrefix("RTMIN+"): number = Int32(name.dropFirst(6)).map { 34 &+ $0 }
    case _ where name.hasPrefix("RTMAX-"): number = Int32(name.dropFirst(6)).map { 64 &- $0 }
    default: number = nil
    }
    return number.flatMap { (34...64).contains($0) ? $0 : nil }
  }

  /// The name without `SIG`: `TERM`; `RTMIN+n` for real-time signals.
  public var name: String {
    let index = Int(number) - 1
    return Self.names.indices.contains(index) ? Self.names[index] : "RTMIN+\(number - 34)"
  }

  /// The name with `SIG`.
  public var description: String { "SIG\(name)" }

  /// Signals 1 to 31 of Linux on x86 and ARM.
  private static let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
  ]
}

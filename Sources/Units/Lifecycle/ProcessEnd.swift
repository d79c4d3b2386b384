// SPDX-License-Identifier: Apache-2.0

/// How a command of a unit ended.
public enum ProcessEnd: Sendable, Hashable, Codable, CustomStringConvertible {
  /// It exited with a code; 200 and up also say why a program could not be executed.
  case exited(Int32)
  /// A signal ended it.
  case signaled(UnixSignal, dumpedCore: Bool)
  /// It ended while nobody watched.
  case lost
  /// It was never started, for what the message says.
  case notStarted(String)

  /// As systemd words it: `0/SUCCESS`, `203/EXEC`, `signal KILL`.
  public var description: String {
    switch self {
    case .exited(let code): "\(code)/\(ExitCodeNames.name(of: code) ?? "n/a")"
    case .signaled(let signal, let dumpedCore): dumpedCore ? "dumped \(signal.name)" : "signal \(signal.name)"
    case .lost: "lost"
    case .notStarted(let message): "not started: \(message)"
    }
  }
}

/// Exit codes and signals that an option such as `SuccessExitStatus=` names.
public struct ExitSet: Sendable, Equatable {
  /// Exit codes.
  public var codes: Set<Int32> = []
  /// Signals.
  public var signals: Set<UnixSignal> = []

  /// Makes a set.
  public init(codes: Set<Int32> = [], signals: Set<UnixSignal> = []) {
    self.codes = codes
    self.signals = signals
  }

  /// Reads codes, names of codes and names of signals separated by blanks; nil when one of them is none of these.
  public init?(_ text: String) {
    for word in text.split(whereSeparator: \.isWhitespace).map(String.init) {
      if let code = Int32(word), (0...255).contains(code) {
        codes.insert(code)
      } else if let code = ExitCodeNames.code(of: word) {
        codes.insert(code)
      } else if Int32(word) == nil, let signal = UnixSignal(word) {
        signals.insert(signal)
      } else {
        return nil
      }
    }
  }

  /// Adds what another set holds.
  public mutating func formUnion(_ other: ExitSet) {
    codes.formUnion(other.codes)
    signals.formUnion(other.signals)
  }

  /// Whether an end is in the set.
  ///
  /// Differs: code 128 + n also stands for signal n, as a shell and a container engine report it.
  public func contains(_ end: ProcessEnd) -> Bool {
    switch end {
    case .exited(let code): codes.contains(code)
    case .signaled(let signal, _): signals.contains(signal) || codes.contains(128 + signal.number)
    case .lost, .notStarted: false
    }
  }
}

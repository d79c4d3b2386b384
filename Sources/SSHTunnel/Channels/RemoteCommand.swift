// SPDX-License-Identifier: Apache-2.0

/// What is run at a server.
public struct RemoteCommand: Sendable, Equatable {
  /// The command line for the user's shell; nil starts the shell itself.
  public var line: String?
  /// The terminal that it gets; nil gives it none.
  public var terminal: RemoteTerminal?

  /// Makes a command.
  public init(line: String?, terminal: RemoteTerminal? = nil) {
    self.line = line
    self.terminal = terminal
  }
}

/// A terminal as a server makes one.
public struct RemoteTerminal: Sendable, Equatable {
  /// Its type, as in `TERM`.
  public var type: String
  /// Its size at the beginning.
  public var size: TerminalSize

  /// Makes a description.
  public init(type: String, size: TerminalSize) {
    self.type = type
    self.size = size
  }
}

/// The size of a terminal in characters.
public struct TerminalSize: Sendable, Equatable {
  /// Characters in a line.
  public var columns: Int32
  /// Lines.
  public var rows: Int32

  /// Makes a size.
  public init(columns: Int32, rows: Int32) {
    self.columns = columns
    self.rows = rows
  }
}

/// This side's ends of a command's streams; they stay open.
public struct CommandStreams: Sendable {
  /// Where its input comes from; nil gives it none.
  public var input: Int32?
  /// Where its output goes.
  public var output: Int32
  /// Where its errors go.
  public var errors: Int32
  /// Signals that arrive here; nil lets them act as usual.
  public var signals: TerminalSignals?

  /// Names the streams.
  public init(input: Int32?, output: Int32, errors: Int32, signals: TerminalSignals? = nil) {
    self.input = input
    self.output = output
    self.errors = errors
    self.signals = signals
  }
}

/// How a command at a server ended.
public enum RemoteExit: Sendable, Equatable {
  /// By itself, with a status.
  case exited(Int32)
  /// By a signal, named without `SIG`.
  case killed(signal: String)
  /// A signal here ended the wait for it.
  case interrupted(signal: Int32)

  /// The status that a shell would give.
  public var status: Int32 {
    switch self {
    case .exited(let status): status
    case .interrupted(let signal): 128 + signal
    case .killed(let name): 128 + (Self.signalNumbers[name] ?? 0)
    }
  }

  /// The signals of RFC 4254, section 6.10, as Linux numbers them.
  private static let signalNumbers: [String: Int32] = [
    "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12,
    "PIPE": 13, "ALRM": 14, "TERM": 15,
  ]
}

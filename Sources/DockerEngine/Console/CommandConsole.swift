// SPDX-License-Identifier: Apache-2.0

/// Where a command is given: what it reads from and writes to.
public protocol CommandConsole: Sendable {
  /// Whether somebody sits there who may type, as on a shell; a unit's command has nothing to read.
  var hasInput: Bool { get }
  /// Whether what is read comes from a terminal.
  var isInputTerminal: Bool { get }
  /// Whether what is written goes to a terminal.
  var isOutputTerminal: Bool { get }
  /// How large the terminal is; nil without one.
  var size: ConsoleSize? { get }

  /// Writes a line.
  func line(_ line: OutputLine)
  /// Writes bytes as they are; returns when they were taken.
  func write(_ bytes: [UInt8], to stream: OutputStream) async
  /// The next bytes of standard input; nil at its end, and when the task is cancelled.
  func read() async -> [UInt8]?
  /// Asks a question and reads the answer, without showing a secret; nil when there is nobody to ask.
  func ask(_ question: String, isSecret: Bool) async -> String?
  /// Passes keys on as they are typed, until ``restoreTerminal()``.
  func passKeysOn()
  /// Makes the terminal as it was.
  func restoreTerminal()
  /// Tells of signals until the task is cancelled; they no longer do what they did to this process.
  func followSignals(_ tell: (ConsoleSignal) async -> Void) async
}

/// How large a terminal is, in characters.
public struct ConsoleSize: Sendable, Equatable {
  /// Lines.
  public var rows: Int
  /// Characters a line.
  public var columns: Int

  /// Makes a size.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }
}

/// What a process that carries out a command is told.
public enum ConsoleSignal: Sendable, Equatable {
  /// The terminal has another size.
  case sizeChanged
  /// A signal for the command, by its name without `SIG`.
  case signal(String)
}

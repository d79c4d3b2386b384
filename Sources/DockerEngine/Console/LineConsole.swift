// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A console that only takes lines: a unit's command.
final class LineConsole: CommandConsole {
  private let output: @Sendable (OutputLine) -> Void
  private let pending = Mutex<[OutputStream: [UInt8]]>([:])

  init(_ output: @escaping @Sendable (OutputLine) -> Void) {
    self.output = output
  }

  var hasInput: Bool { false }
  var isInputTerminal: Bool { false }
  // A journal is as little a place for an archive as a terminal.
  var isOutputTerminal: Bool { true }
  var size: ConsoleSize? { nil }

  func line(_ line: OutputLine) {
    output(line)
  }

  func write(_ bytes: [UInt8], to stream: OutputStream) async {
    for line in completed(bytes, stream) { output(line) }
  }

  private func completed(_ bytes: [UInt8], _ stream: OutputStream) -> [OutputLine] {
    pending.withLock { pending in
      var rest = (pending[stream] ?? [])[...] + bytes
      var lines: [OutputLine] = []
      while true {
        let limit = rest.prefix(OutputLine.limitBytes + 1)
        if let newline = limit.firstIndex(of: UInt8(ascii: "\n")) {
          lines.append(Self.line(rest[..<newline], stream))
          rest = rest[(newline + 1)...]
        } else if limit.count > OutputLine.limitBytes {
          lines.append(OutputLine(stream: stream, bytes: Array(rest.prefix(OutputLine.limitBytes))))
          rest = rest.dropFirst(OutputLine.limitBytes)
        } else {
          break
        }
      }
      pending[stream] = Array(rest)
      return lines
    }
  }

  /// A line without the carriage return that a terminal adds.
  private static func line(_ bytes: ArraySlice<UInt8>, _ stream: OutputStream) -> OutputLine {
    OutputLine(stream: stream, bytes: Array(bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes))
  }

  /// Hands over last lines without a newline.
  func finish() {
    let left = pending.withLock { pending in
      defer { pending = [:] }
      return pending
    }
    for stream in [OutputStream.standardOutput, .standardError] {
      guard let bytes = left[stream], !bytes.isEmpty else { continue }
      output(Self.line(bytes[...], stream))
    }
  }

  func read() async -> [UInt8]? { nil }
  func ask(_ question: String, isSecret: Bool) async -> String? { nil }
  func passKeysOn() {}
  func restoreTerminal() {}
  func followSignals(_ tell: (ConsoleSignal) async -> Void) async {}
}

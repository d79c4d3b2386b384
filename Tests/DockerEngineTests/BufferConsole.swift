// SPDX-License-Identifier: Apache-2.0
import Synchronization

@testable import DockerEngine

/// A console of a test: what is typed is given, what is written is kept.
final class BufferConsole: CommandConsole {
  private struct Contents {
    var input: [[UInt8]]
    var output: [UInt8] = []
    var errors: [UInt8] = []
  }

  private let contents: Mutex<Contents>
  let isInputTerminal: Bool
  let size: ConsoleSize?

  init(input: [String] = [], isTerminal: Bool = false) {
    contents = Mutex(Contents(input: input.map { Array($0.utf8) }))
    isInputTerminal = isTerminal
    size = isTerminal ? ConsoleSize(rows: 33, columns: 77) : nil
  }

  var hasInput: Bool { true }
  var isOutputTerminal: Bool { false }

  func line(_ line: OutputLine) {
    contents.withLock { contents in
      switch line.stream {
      case .standardOutput: contents.output += line.bytes + [UInt8(ascii: "\n")]
      case .standardError: contents.errors += line.bytes + [UInt8(ascii: "\n")]
      }
    }
  }

  func write(_ bytes: [UInt8], to stream: OutputStream) async {
    contents.withLock { contents in
      switch stream {
      case .standardOutput: contents.output += bytes
      case .standardError: contents.errors += bytes
      }
    }
  }

  func read() async -> [UInt8]? {
    let next: [UInt8]? = contents.withLock { $0.input.isEmpty ? nil : $0.input.removeFirst() }
    // A terminal does not end: whoever sits there thinks.
    if next == nil, isInputTerminal { try? await Task.sleep(for: .seconds(600)) }
    return next
  }

  func ask(_ question: String, isSecret: Bool) async -> String? {
    await read().map { String(decoding: $0, as: UTF8.self) }
  }
  func passKeysOn() {}
  func restoreTerminal() {}
  func followSignals(_ tell: (ConsoleSignal) async -> Void) async {
    try? await Task.sleep(for: .seconds(600))
  }

  var output: String { contents.withLock { String(decoding: $0.output, as: UTF8.self) } }
  var errors: String { contents.withLock { String(decoding: $0.errors, as: UTF8.self) } }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import SSHTunnel

/// Questions to whoever sits before the program: on its terminal, or without one a line of standard input.
///
/// Its calls block their thread.
enum TerminalDialogue {
  private static let maximumBytes = 4_096

  /// The prompts of SSH sessions.
  static let prompts = SSHPrompts(
    question: { ask($0) },
    secret: { askSecretly($0) },
    notice: { CommandOutput.standard.errorLine($0) }
  )

  /// Asks and reads a line; nil when there is none to read.
  static func ask(_ question: String) -> String? {
    CommandOutput.standard.writeError(question)
    let terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC)
    defer { if terminal >= 0 { close(terminal) } }
    let answer = readLine(from: terminal >= 0 ? terminal : STDIN_FILENO)
    if answer == nil { CommandOutput.standard.errorLine("") }
    return answer
  }

  /// Asks on the terminal without showing what is typed; nil without a terminal.
  static func askSecretly(_ question: String) -> String? {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
    guard terminal >= 0 else { return nil }
    defer { close(terminal) }
    return try? PasswordPrompt.ask(question, on: terminal, CommandOutput.standard.writeError)
  }

  /// Reads byte by byte, so that what follows the line stays for whoever comes next.
  private static func readLine(from descriptor: Int32) -> String? {
    var bytes: [UInt8] = []
    while bytes.count < maximumBytes {
      var byte: UInt8 = 0
      let count = read(descriptor, &byte, 1)
      if count < 0 && errno == EINTR { continue }
      guard count == 1 else { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
      if byte == UInt8(ascii: "\n") { break }
      if byte != UInt8(ascii: "\r") { bytes.append(byte) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

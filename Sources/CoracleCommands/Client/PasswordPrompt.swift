// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Asks for a password on the terminal, without showing what is typed.
enum PasswordPrompt {
  /// Why there is no password.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private static let maximumBytes = 4_096
  private static let interruption: UInt8 = 3
  private static let endOfInput: UInt8 = 4

  /// Prints the prompt and reads a line of standard input, or of a terminal; what is none is read as it is.
  ///
  /// It blocks its thread. An interruption ends the process, once the terminal is as it was.
  ///
  /// - Throws: ``Failure`` when it cannot be read.
  static func ask(
    _ prompt: String,
    on input: Int32 = STDIN_FILENO,
    _ write: (String) -> Void
  ) throws(Failure) -> String {
    var former = termios()
    let isTerminal = tcgetattr(input, &former) == 0
    if isTerminal {
      var silent = former
      // The signal keys come as bytes, so that no signal finds the terminal silent.
      silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
      tcsetattr(input, TCSAFLUSH, &silent)
    }
    // Whoever sees the prompt may type: the terminal is silent by then.
    write(prompt)
    let line = readLine(from: input, isTerminal)
    if isTerminal { tcsetattr(input, TCSAFLUSH, &former) }
    write("\n")
    switch line {
    case .text(let bytes): return String(decoding: bytes, as: UTF8.self)
    case .interrupted: exit(128 + SIGINT)
    case .failed(let code): throw Failure(description: String(cString: strerror(code)))
    }
  }

  private enum Line {
    case text([UInt8])
    case interrupted
    case failed(Int32)
  }

  private static func readLine(from input: Int32, _ isTerminal: Bool) -> Line {
    var bytes: [UInt8] = []
    while bytes.count < maximumBytes {
      var byte: UInt8 = 0
      let count = read(input, &byte, 1)
      if count < 0 {
        if errno == EINTR { continue }
        return .failed(errno)
      }
      guard count == 1, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") else { break }
      if isTerminal {
        if byte == interruption { return .interrupted }
        if byte == endOfInput { break }
        if byte == 8 || byte == 127 {
          // One character may have several bytes.
          while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
          continue
        }
      }
      bytes.append(byte)
    }
    return .text(bytes)
  }
}

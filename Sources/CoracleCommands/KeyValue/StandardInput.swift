// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Reads values from standard input, for commands whose VALUE is missing.
enum StandardInput {
  /// Largest value that is read; a store takes forms of 10 MiB.
  static let maximumBytes = 10 * 1_024 * 1_024

  /// Everything up to the end; nil when there is nothing, or more than the limit.
  ///
  /// It blocks its thread, which at the start of a command has nothing else to do.
  static func readAll() -> String? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= maximumBytes {
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
    }
    return bytes.isEmpty || bytes.count > maximumBytes ? nil : String(decoding: bytes, as: UTF8.self)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where a command writes: data on standard output, everything else on standard error.
struct CommandOutput: Sendable {
  /// Writes text as it is on standard output.
  let write: @Sendable (String) -> Void
  /// Writes text as it is on standard error.
  let writeError: @Sendable (String) -> Void

  /// Writes a line on standard output.
  func line(_ text: String) {
    write(text + "\n")
  }

  /// Writes a line on standard error.
  func errorLine(_ text: String) {
    writeError(text + "\n")
  }

  /// The streams of this process; each text is passed on at once, so that a watch can be piped.
  static let standard = CommandOutput(
    write: { writeAll($0, to: STDOUT_FILENO) },
    writeError: { writeAll($0, to: STDERR_FILENO) }
  )

  private static func writeAll(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
  }

  /// Writes bytes that may be no text.
  static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let count = Glibc.write(descriptor, start, rest.count)
      if count < 0 && errno == EINTR { continue }
      // The reader has gone; there is nobody to tell.
      guard count > 0 else { return }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }
}

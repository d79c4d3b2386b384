// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Signals of this process as bytes of a pipe, so that a session's thread hears of them.
///
/// SIGWINCH, SIGTERM and SIGHUP are caught from the first use to the end of the process.
public struct TerminalSignals: Sendable {
  /// Where each signal's number can be read.
  let descriptor: Int32

  /// The writing end; handlers may look at nothing else.
  private static let button = Atomic<Int32>(-1)
  private static let shared: TerminalSignals? = {
    guard let pipe = WakePipe() else { return nil }
    button.store(pipe.button, ordering: .sequentiallyConsistent)
    for number in [SIGWINCH, SIGTERM, SIGHUP] {
      signal(number) { number in
        let code = errno
        withUnsafeBytes(of: UInt8(truncatingIfNeeded: number)) { bytes in
          _ = write(TerminalSignals.button.load(ordering: .relaxed), bytes.baseAddress, 1)
        }
        errno = code
      }
    }
    return TerminalSignals(descriptor: pipe.bell)
  }()

  /// Catches the signals; nil when the system gives no pipe.
  public static func caught() -> TerminalSignals? { shared }

  /// The signals that have come since it was asked last.
  func take() -> [Int32] {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &bytes, bytes.count)
    return count > 0 ? bytes[..<count].map { Int32($0) } : []
  }
}

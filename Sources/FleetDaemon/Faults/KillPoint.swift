// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Steps of a placement at which a test may have this process killed.
///
/// `CORACLE_TEST_KILL_FILE` names a file that holds a step and, after a blank, the unit it is meant for (any, when there is
/// none). It is read again at each step; whoever removes it dies, so that nodes which share the file lose one of them.
/// Without the variable nothing is read. docs/RELIABILITY.md lists the steps.
enum KillPoint {
  private static let path = getenv("CORACLE_TEST_KILL_FILE").map { String(cString: $0) }

  /// Ends the process as `kill -9` does if a test asked for it here.
  static func pass(_ step: @autoclosure () -> String, _ unit: String = "") {
    guard let path, let order = read(path) else { return }
    let words = order.split { $0 == " " || $0 == "\n" }
    guard let first = words.first, first == step(), words.count < 2 || words[1] == unit else { return }
    guard unlink(path) == 0 else { return }
    kill(getpid(), SIGKILL)
  }

  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}

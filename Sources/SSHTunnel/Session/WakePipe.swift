// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A pipe whose ends never block, for waking a thread that waits for descriptors.
struct WakePipe: Sendable {
  /// Readable once the button was pressed.
  let bell: Int32
  /// Where a byte is written.
  let button: Int32

  /// Nil, with errno, when the system gives no pipe.
  init?() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    bell = ends[0]
    button = ends[1]
  }
}

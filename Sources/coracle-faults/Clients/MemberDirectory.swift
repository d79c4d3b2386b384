// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Where clients find the members, and in which of its lives each is.
final class MemberDirectory: Sendable {
  /// The control sockets, by place.
  let socketPaths: [String]
  private let lives: Mutex<[Int]>

  init(socketPaths: [String]) {
    self.socketPaths = socketPaths
    lives = Mutex([Int](repeating: 1, count: socketPaths.count))
  }

  /// A member as histories name it: what one process has answered says nothing about the next one's.
  func name(of place: Int) -> String {
    "m\(place + 1)#\(lives.withLock { $0[place] })"
  }

  func noteRestart(of place: Int) {
    lives.withLock { $0[place] += 1 }
  }
}

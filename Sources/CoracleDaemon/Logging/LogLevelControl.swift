// SPDX-License-Identifier: Apache-2.0
import Logging
import Synchronization

/// How much the node logs; it may be changed while it runs, and every logger without a level of its own follows.
final class LogLevelControl: Sendable {
  private let current: Mutex<Logger.Level>

  init(_ level: Logger.Level) {
    current = Mutex(level)
  }

  /// The level that holds now.
  var level: Logger.Level { current.withLock { $0 } }

  /// Lets another level hold.
  func set(_ level: Logger.Level) {
    current.withLock { $0 = level }
  }
}

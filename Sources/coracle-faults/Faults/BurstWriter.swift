// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

/// Writes quickly, outside of what the clients' histories tell of.
struct BurstWriter {
  /// How many write at once.
  static let count = 16

  let number: Int
  let socketPath: String
  /// How many writes each makes at most.
  var writes: Int
  var valueBytes = 8
  var limitMilliseconds: Int

  /// Writes on a thread of its own; ends early when the member fails.
  func run() async {
    let writer = self
    await withCheckedContinuation { continuation in
      let thread = Thread {
        writer.write()
        continuation.resume()
      }
      thread.stackSize = 1 << 20
      thread.start()
    }
  }

  private func write() {
    let connection = StoreConnection(socketPath: socketPath)
    let deadline = StoreConnection.now() + Int64(limitMilliseconds) * 1_000_000
    let form = "value=" + String(repeating: "x", count: valueBytes)
    for turn in 0..<writes where StoreConnection.now() < deadline {
      let target = "/v2/keys/burst/\(number)/\(turn % 10)"
      guard (try? connection.exchange("PUT", target, form: form, within: 5_000)) != nil else { return }
    }
  }
}

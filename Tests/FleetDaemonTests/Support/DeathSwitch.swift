// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Ends whoever waits for it.
final class DeathSwitch: Sendable {
  private let isThrownFlag = Mutex(false)
  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  var isThrown: Bool { isThrownFlag.withLock { $0 } }

  func throwSwitch() {
    isThrownFlag.withLock { $0 = true }
    continuation.finish()
  }

  func wait() async {
    for await _ in stream {}
  }
}

// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import NIOCore
import NIOPosix
import StoreTestKit

/// A store that takes its time.
struct SlowKeys: KeysAPI {
  let keys = MemoryKeys()
  let delay: TimeAmount

  func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
    MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: delay) { keys.perform(request, answer: answer) }
  }

  func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> KeysWatchCancellation {
    keys.watch(watch, deliver: deliver)
  }
}

// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import FleetWire
import Logging

/// Keeps the view following the store: one listing, then one watch, and again whenever the watch ends.
struct RegistryFollower: Sendable {
  let view: RegistryView
  let store: StoreCaller
  let layout: RegistryLayout
  let machineID: String
  let logger: Logger

  /// How many events may wait to be read; more, and the view starts over from a listing.
  static let bufferedEvents = 20_000
  static let retryAfter = Duration.milliseconds(50)

  func run() async {
    var isLost = false
    while !Task.isCancelled {
      do {
        let index = try await list()
        if isLost { logger.notice("registry is followed again") }
        isLost = false
        await follow(from: index)
        view.setLive(false)
      } catch {
        if !isLost {
          logger.warning(
            "registry cannot be read; units are left as they are",
            metadata: ["store.error": "\(error)"]
          )
        }
        isLost = true
      }
      try? await store.clock.sleep(for: Self.retryAfter)
    }
  }

  private func list() async throws(EtcdError) -> EtcdIndex {
    let listing: NodeView?
    let index: EtcdIndex
    do {
      let read = KeysRead(recursive: true, sorted: false, quorum: true)
      let reply = try await store.perform(.read(key: layout.prefix, read))
      (listing, index) = (reply.event.node, reply.event.etcdIndex)
    } catch  where error.code == .keyNotFound {
      (listing, index) = (nil, error.index)
    }
    view.replace(with: RegistryImage(layout: layout, machineID: machineID, listing: listing, at: index))
    return index
  }

  private func follow(from index: EtcdIndex) async {
    let watch = KeysWatch(key: layout.prefix, recursive: true, waitIndex: index.next, stream: true)
    for await update in store.keys.updates(of: watch, bufferedUpdates: Self.bufferedEvents) {
      switch update {
      case .started: view.setLive(true)
      case .event(let event): view.apply(event)
      case .failed(let error):
        logger.debug("watch of the registry failed", metadata: ["store.error": "\(error)"])
      case .closed: break
      }
    }
  }
}

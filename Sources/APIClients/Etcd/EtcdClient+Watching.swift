// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import EtcdStore
import EtcdWire
import NIOCore
import NIOHTTP1

extension EtcdClient {
  /// Largest event that is taken; the store takes values of 10 MiB, which escapes may make six times as long.
  private static let maximumEventBytes = 128 * 1024 * 1024

  /// What one long poll brought.
  private enum PollOutcome {
    case event(Event)
    case ended(KeysWatchUpdate)
    /// Another server is asked now: this one may stand still, and would then never tell anything.
    case left
  }

  func follow(_ watch: KeysWatch, _ deliver: @Sendable (KeysWatchUpdate) -> Void) async {
    var poll = watch
    poll.stream = false
    var isStarted = false
    while !Task.isCancelled {
      let outcome = await self.poll(poll) { started in
        if !isStarted && !Task.isCancelled { deliver(started) }
        isStarted = true
        // The next poll begins where this one did, at whichever server.
        if case .started(let index, _, _) = started, poll.waitIndex == nil { poll.waitIndex = index.next }
      }
      guard !Task.isCancelled else { return }
      switch outcome {
      case .event(let event):
        deliver(.event(event))
        guard watch.stream else { return deliverUnlessCancelled(.closed, deliver) }
        poll.waitIndex = event.node.modifiedIndex.next
      case .ended(let update): return deliver(update)
      case .left:
        // Whoever watched goes to the servers that there are now.
        if pool.isOutdated { return deliverUnlessCancelled(.closed, deliver) }
      }
    }
  }

  private func deliverUnlessCancelled(_ update: KeysWatchUpdate, _ deliver: @Sendable (KeysWatchUpdate) -> Void) {
    if !Task.isCancelled { deliver(update) }
  }

  private func poll(_ watch: KeysWatch, started: (KeysWatchUpdate) -> Void) async -> PollOutcome {
    let open: EndpointPool.OpenAnswer
    do throws(APIClientError) {
      var request = outgoing(KeysRequestEncoder.encode(watch), isRepeatable: true)
      request.headTimeout = localTimeout
      open = try await pool.open(request)
    } catch {
      return .ended(.failed(EtcdError(.raftInternal, cause: error.message)))
    }
    let response = open.response
    do {
      guard response.status == .ok else {
        let body = try await response.body.collect(upTo: 1024 * 1024)
        let answer = IncomingAnswer(
          endpoint: pool.endpoints[open.place],
          status: response.status,
          headers: response.headers,
          body: body
        )
        return .ended(.failed(Self.error(in: answer)))
      }
      started(
        .started(
          etcdIndex: EtcdIndex(Self.number("x-etcd-index", in: response.headers)),
          raftIndex: Self.number("x-raft-index", in: response.headers),
          raftTerm: Self.number("x-raft-term", in: response.headers)
        )
      )
      guard let body = try await event(of: open) else { return .left }
      // A server that stops, or a proxy that is tired of waiting, ends the answer without an event.
      guard body.readableBytes > 0 else { return .ended(.closed) }
      return .event(try KeysJSON.decodeEvent(body.readableBytesView))
    } catch let error as JSONError {
      return .ended(.failed(EtcdError(.raftInternal, cause: "client: a watch brought no event: \(error)")))
    } catch {
      return .ended(.closed)
    }
  }

  /// What a long poll answers; nil when requests have gone over to another server meanwhile.
  private func event(of open: EndpointPool.OpenAnswer) async throws -> ByteBuffer? {
    let pool = pool
    return try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
      group.addTask { try await open.response.body.collect(upTo: Self.maximumEventBytes) }
      group.addTask {
        await pool.waitUntilLeft(open.place)
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }
}

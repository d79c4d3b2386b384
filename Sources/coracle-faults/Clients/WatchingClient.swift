// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Foundation
import Histories

/// A client that follows everything below a directory, and goes on at the next member when a watch ends.
///
/// Concurrency: lives on a thread of its own, which it blocks.
struct WatchingClient {
  /// How long a watch may be silent before the client tries another member: the one it asks may stand still.
  private static let silenceMilliseconds = 1_500

  let number: Int
  let root: String
  let members: MemberDirectory
  private var place: Int
  /// The first index that it has not seen yet; nil before its first watch.
  private var next: EtcdIndex?
  private(set) var watches: [RecordedWatch] = []

  init(number: Int, root: String, members: MemberDirectory) {
    self.number = number
    self.root = root
    self.members = members
    place = number % members.socketPaths.count
  }

  /// Watches at one member until the watch ends, is silent for long, or has what is wanted.
  mutating func follow(until isOver: (EtcdIndex?) -> Bool) {
    let connection = StoreConnection(socketPath: members.socketPaths[place])
    var watch = RecordedWatch(
      client: number,
      member: members.name(of: place),
      key: root,
      recursive: true,
      waitIndex: next,
      stream: true
    )
    do throws(StoreConnection.Failure) {
      try run(&watch, on: connection, until: isOver)
    } catch {
      if watch.end == .open { watch.end = .closed }
    }
    watches.append(watch)
    if watch.end == .cleared {
      // What the history has lost is lost to a watch: begin anew at the present.
      next = nil
    } else {
      next = watch.nextIndex ?? next
    }
    if watch.end != .open {
      place = (place + 1) % members.socketPaths.count
      StoreConnection.pause(milliseconds: 50)
    }
  }

  private func run(
    _ watch: inout RecordedWatch,
    on connection: StoreConnection,
    until isOver: (EtcdIndex?) -> Bool
  ) throws(StoreConnection.Failure) {
    let request = KeysWatch(key: root, recursive: true, waitIndex: next, stream: true)
    var deadline = silenceEnd()
    try connection.send("GET", KeysRequestEncoder.encode(request).target, until: deadline)
    let head = try connection.readHead(until: deadline)
    guard head.status == 200 else {
      if head.status == 400 { watch.end = .cleared } else { watch.end = .closed }
      return
    }
    watch.startedIndex = head.fields["x-etcd-index"].flatMap { UInt64($0) }.map { EtcdIndex($0) }
    while !isOver(watch.events.last?.node.modifiedIndex ?? watch.startedIndex) {
      guard let chunk = try connection.readChunk(until: deadline) else {
        watch.end = .closed
        return
      }
      for line in chunk.split(separator: UInt8(ascii: "\n")) {
        guard let event = try? KeysJSON.decodeEvent(line) else { throw .noAnswer }
        watch.events.append(event)
      }
      deadline = silenceEnd()
    }
    watch.end = .closed
  }

  private func silenceEnd() -> Int64 {
    StoreConnection.now() + Int64(Self.silenceMilliseconds) * 1_000_000
  }
}

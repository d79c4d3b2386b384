// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOPosix
import Raft
import Synchronization
import TestKit
import Testing

@testable import RaftTransport

private let cluster = ClusterID(0xC1)

/// How often a member was told that it was removed.
private final class RemovalCount: Sendable {
  private let count = Mutex(0)
  var value: Int { count.withLock { $0 } }
  func add() { count.withLock { $0 += 1 } }
}

/// A transport with what it received.
private final class Peer: Sendable {
  let id: MemberID
  let transport: PeerTransport
  private let inbox = Mutex<[Message]>([])
  private let removals = RemovalCount()

  init(_ number: UInt64, cluster: ClusterID = cluster) {
    id = MemberID(number)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    transport = PeerTransport(
      cluster: cluster,
      member: id,
      group: .singletonMultiThreadedEventLoopGroup,
      logger: logger,
      wasRemoved: { [removals] in removals.add() }
    )
  }

  var removalCount: Int { removals.value }
  var received: [Message] { inbox.withLock { $0 } }

  func listen(port: Int = 0) async throws -> Int {
    try await transport.listen(
      on: ["http://127.0.0.1:\(port)"],
      page: { $0 == "/members" ? PeerPage(contentType: "application/json", body: Array("[]".utf8)) : nil },
      deliver: { [self] messages in inbox.withLock { $0 += messages } }
    )[0]
  }

  func message(to other: Peer, _ number: UInt64) -> Message {
    let body = Message.Body.heartbeat(commitIndex: LogIndex(number), readRound: 0)
    return Message(from: id, to: other.id, term: Term(1), body: body)
  }
}

private func url(_ port: Int) -> [String] { ["http://127.0.0.1:\(port)"] }

/// Sends a request and collects the answer until the connection is closed.
private func exchange(_ port: Int, _ lines: [String]) async throws -> String {
  final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let promise: EventLoopPromise<String>
    var text = ""
    init(_ promise: EventLoopPromise<String>) { self.promise = promise }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      text += String(buffer: unwrapInboundIn(data))
      if text.hasPrefix("HTTP/1.1 101"), text.hasSuffix("\r\n\r\n") { context.close(promise: nil) }
    }
    func channelInactive(context: ChannelHandlerContext) { promise.succeed(text) }
  }
  let group = MultiThreadedEventLoopGroup.singleton
  let promise = group.next().makePromise(of: String.self)
  let channel = try await ClientBootstrap(group: group)
    .channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Collector(promise)) }
    }
    .connect(host: "127.0.0.1", port: port).get()
  try await channel.writeAndFlush(ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n"))
  return try await promise.futureResult.get()
}

private func upgrade(cluster: String = "c1", from: String = "1", to: String = "2") -> [String] {
  [
    "GET /raft HTTP/1.1", "Host: peer", "Connection: upgrade", "Upgrade: coracle-raft/1",
    "X-Etcd-Cluster-ID: \(cluster)", "X-Raft-From: \(from)", "X-Raft-To: \(to)",
  ]
}

@Suite struct PeerTransportTests {
  @Test func `messages arrive in order, both ways`() async throws {
    let (one, two) = (Peer(1), Peer(2))
    let ports = (try await one.listen(), try await two.listen())
    one.transport.updatePeers([two.id: url(ports.1), one.id: url(ports.0)])
    two.transport.updatePeers([one.id: url(ports.0)])
    // What is sent before the stream stands is dropped, so the first ones are sent until they arrive.
    try await eventually("a stream each way") {
      one.transport.send([one.message(to: two, 0)])
      two.transport.send([two.message(to: one, 0)])
      return !one.received.isEmpty && !two.received.isEmpty
    }
    let sent = (1...2_000).map { one.message(to: two, UInt64($0)) }
    for start in stride(from: 0, to: sent.count, by: 100) { one.transport.send(Array(sent[start..<start + 100])) }
    try await eventually("all messages") { two.received.last == sent.last }
    #expect(two.received.suffix(sent.count) == sent[...])
    await one.transport.stop()
    await two.transport.stop()
  }

  @Test func `a large message arrives whole`() async throws {
    let (one, two) = (Peer(1), Peer(2))
    let port = try await two.listen()
    one.transport.updatePeers([two.id: url(port)])
    let data = [UInt8](repeating: 0x5A, count: Entry.dataLimitBytes)
    let entry = Entry(term: Term(1), index: LogIndex(1), kind: .command, timestampNanoseconds: 0, data: data)
    let request = AppendRequest(previousIndex: .zero, previousTerm: .zero, entries: [entry], commitIndex: .zero)
    let large = Message(from: one.id, to: two.id, term: Term(1), body: .append(request))
    try await eventually("the stream") {
      one.transport.send([one.message(to: two, 0)])
      return !two.received.isEmpty
    }
    one.transport.send([large])
    try await eventually("the large message") { two.received.last == large }
    await one.transport.stop()
    await two.transport.stop()
  }

  @Test func `a peer that comes back, elsewhere, is reached again`() async throws {
    let (one, two, again) = (Peer(1), Peer(2), Peer(2))
    one.transport.updatePeers([two.id: url(try await two.listen())])
    try await eventually("the first stream") {
      one.transport.send([one.message(to: two, 1)])
      return !two.received.isEmpty
    }
    await two.transport.stop()
    one.transport.updatePeers([two.id: url(try await again.listen())])
    try await eventually("the second stream") {
      one.transport.send([one.message(to: again, 2)])
      return !again.received.isEmpty
    }
    await one.transport.stop()
    await again.transport.stop()
  }

  @Test func `one of several addresses that works is enough`() async throws {
    let (one, two) = (Peer(1), Peer(2))
    let port = try await two.listen()
    one.transport.updatePeers([two.id: ["http://127.0.0.1:1", "nonsense", "http://127.0.0.1:\(port)"]])
    try await eventually("the stream") {
      one.transport.send([one.message(to: two, 1)])
      return !two.received.isEmpty
    }
    await one.transport.stop()
    await two.transport.stop()
  }

  @Test func `a removed member's stream is closed and refused`() async throws {
    let (one, two) = (Peer(1), Peer(2))
    let port = try await two.listen()
    one.transport.updatePeers([two.id: url(port)])
    try await eventually("the stream") {
      one.transport.send([one.message(to: two, 1)])
      return !two.received.isEmpty
    }
    two.transport.updatePeers([:], removed: [one.id])
    let answer = try await exchange(port, upgrade())
    #expect(answer.hasPrefix("HTTP/1.1 410 "))
    #expect(answer.contains("member 1 was removed from the cluster for good"))
    await one.transport.stop()
    await two.transport.stop()
  }

  @Test func `a member believes that it was removed when most of the others say so`() async throws {
    let peers = (1...4).map { Peer(UInt64($0)) }
    var urls: [MemberID: [String]] = [:]
    for peer in peers.dropFirst() {
      urls[peer.id] = url(try await peer.listen())
      peer.transport.updatePeers([:], removed: peer.id == MemberID(4) ? [] : [peers[0].id])
    }
    // Two of three refuse it, the third takes its stream.
    peers[0].transport.updatePeers(urls)
    try await eventually("it believes it") { peers[0].removalCount > 0 }

    let lone = Peer(5)
    let copy = Peer(6)
    urls[copy.id] = url(try await copy.listen())
    copy.transport.updatePeers([:], removed: [lone.id])
    lone.transport.updatePeers([copy.id: urls[copy.id] ?? [], peers[3].id: urls[peers[3].id] ?? []])
    try await eventually("the stream to the other") {
      lone.transport.send([lone.message(to: peers[3], 1)])
      return !peers[3].received.isEmpty
    }
    #expect(lone.removalCount == 0)
    for peer in peers + [lone, copy] { await peer.transport.stop() }
  }

  @Test func `strangers are refused with a reason`() async throws {
    let two = Peer(2)
    let port = try await two.listen()
    #expect(try await exchange(port, upgrade()).hasPrefix("HTTP/1.1 101 "))
    let foreign = try await exchange(port, upgrade(cluster: "bad"))
    #expect(foreign.hasPrefix("HTTP/1.1 412 "))
    #expect(foreign.contains("this is a member of cluster c1, not of bad"))
    let mistaken = try await exchange(port, upgrade(to: "3"))
    #expect(mistaken.hasPrefix("HTTP/1.1 412 "))
    #expect(mistaken.contains("this is member 2, not 3"))
    #expect(try await exchange(port, upgrade(from: "2")).contains("two members share one id"))
    #expect(try await exchange(port, upgrade(from: "x")).hasPrefix("HTTP/1.1 400 "))
    #expect(try await exchange(port, ["GET /raft HTTP/1.1", "Host: h"]).hasPrefix("HTTP/1.1 400 "))
    await two.transport.stop()
  }

  @Test func `plain requests are answered`() async throws {
    let two = Peer(2)
    let port = try await two.listen()
    let members = try await exchange(port, ["GET /members?x=1 HTTP/1.1", "Host: h"])
    #expect(members.hasPrefix("HTTP/1.1 200 OK"))
    #expect(members.contains("X-Etcd-Cluster-ID: c1"))
    #expect(members.hasSuffix("\r\n\r\n[]"))
    #expect(try await exchange(port, ["GET /other HTTP/1.1", "Host: h"]).hasPrefix("HTTP/1.1 404 "))
    #expect(try await exchange(port, ["POST /members HTTP/1.1", "Host: h"]).hasPrefix("HTTP/1.1 405 "))
    await two.transport.stop()
  }

  @Test func `a port in use is refused by name`() async throws {
    let (one, two) = (Peer(1), Peer(2))
    let port = try await one.listen()
    await #expect {
      _ = try await two.listen(port: port)
    } throws: { error in
      "\(error)".contains("127.0.0.1:\(port)")
    }
    await one.transport.stop()
  }
}

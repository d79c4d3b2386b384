// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) @testable import Raft

/// A node on the bench: what it wants persisted is taken as durable at once, what it sends is kept.
struct NodeBench {
  var node: RaftNode
  private(set) var sent: [Message] = []
  private(set) var persisted: [LogBatch] = []

  init(
    _ id: UInt64 = 1,
    voters: [UInt64] = [1, 2, 3],
    learners: [UInt64] = [],
    log terms: [UInt64] = [],
    hardState: HardState = HardState(),
    settings: RaftSettings = RaftSettings()
  ) {
    let metadata = SnapshotMetadata(
      index: .zero,
      term: .zero,
      timestampNanoseconds: 0,
      configuration: Configuration(voters: voters.map(MemberID.init), learners: learners.map(MemberID.init))
    )
    var hardState = hardState
    hardState.term = max(hardState.term, Term(terms.last ?? 0))
    let stored = StoredLog(hardState: hardState, snapshot: metadata, lastIndex: LogIndex(UInt64(terms.count)))
    node = RaftNode(member: MemberID(id), settings: settings, seed: id, stored: stored, appliedIndex: .zero)
    node.restore(terms.enumerated().map { Entry.test($0.offset + 1, $0.element) })
  }

  /// Hands a message over and does what follows.
  mutating func receive(from sender: UInt64, term: UInt64, _ body: Message.Body) {
    node.step(Message(from: MemberID(sender), to: node.member, term: Term(term), body: body))
    settle()
  }

  mutating func tick(_ count: Int = 1) {
    for _ in 0..<count { node.tick() }
    settle()
  }

  mutating func propose(_ data: [UInt8] = [1], id: UInt64 = 1) {
    node.propose([Proposal(id: id, .command(data))])
    settle()
  }

  mutating func change(_ change: ConfigurationChange, id: UInt64 = 1) {
    node.propose([Proposal(id: id, .configurationChange(change))])
    settle()
  }

  /// Everything the node wants is durable and sent.
  mutating func settle() {
    while let ready = node.ready() {
      let batch = LogBatch(hardState: ready.hardState, entries: ready.entries)
      sent += ready.early
      if batch != LogBatch() { persisted.append(batch) }
      node.persisted(ready)
      for case .message(let message) in ready.outgoing { sent.append(message) }
    }
  }

  /// What was sent since the last call.
  mutating func takeSent() -> [Message] {
    defer { sent = [] }
    return sent
  }

  mutating func takeSent(to peer: UInt64) -> [Message.Body] {
    takeSent().filter { $0.to == MemberID(peer) }.map(\.body)
  }

  /// Lets it win an election with the vote of member 2.
  mutating func becomeLeader() {
    while node.role == .follower { tick() }
    receive(from: 2, term: node.term.next.rawValue, .preVoteResponse(granted: true))
    receive(from: 2, term: node.term.rawValue, .voteResponse(granted: true))
    _ = takeSent()
  }

  mutating func accept(from peer: UInt64, _ match: UInt64) {
    receive(from: peer, term: node.term.rawValue, .appendResponse(.accepted(match: LogIndex(match))))
  }

  var droppedReasons: [Dropped.Reason] { node.notices.dropped.map(\.reason) }
  var grantedReads: [UInt64] { node.notices.granted.flatMap(\.reads).map(\.id) }
}

extension Entry {
  static func test(_ index: Int, _ term: UInt64, _ data: [UInt8] = []) -> Entry {
    let position = LogIndex(UInt64(index))
    return Entry(term: Term(term), index: position, kind: .command, timestampNanoseconds: 0, data: data)
  }
}

extension AppendRequest {
  static func test(after index: UInt64, _ term: UInt64, _ entries: [Entry] = [], commit: UInt64 = 0) -> AppendRequest {
    AppendRequest(
      previousIndex: LogIndex(index),
      previousTerm: Term(term),
      entries: entries,
      commitIndex: LogIndex(commit)
    )
  }
}

// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

/// Keeps what a replica sends in a turn, for the network to take.
final class SimulatedOutbox: PeerOutbox {
  private var messages: [Message] = []

  func send(_ messages: [Message]) {
    self.messages += messages
  }

  func take() -> [Message] {
    defer { messages = [] }
    return messages
  }
}

/// A network that drops, delays, duplicates, reorders and is cut, in one direction or both.
struct SimulatedNetwork {
  var dropPercent = 0
  var duplicatePercent = 0
  var delayMilliseconds = 1...2

  /// Directed links that are cut.
  private var cuts: Set<Link> = []
  /// What arrives when; the array's index is the time.
  private var arrivals: [[[UInt8]]] = []
  private var random: SplitMix64

  private struct Link: Hashable {
    var from: MemberID
    var to: MemberID
  }

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
  }

  mutating func cut(from: MemberID, to: MemberID) {
    cuts.insert(Link(from: from, to: to))
  }

  mutating func heal() {
    cuts = []
  }

  mutating func becomeReliable() {
    heal()
    dropPercent = 0
    duplicatePercent = 0
    delayMilliseconds = 1...2
  }

  /// Sends encoded messages, as the peer streams do; a forwarded proposal is never duplicated.
  mutating func send(_ messages: [Message], at time: Int) {
    for message in messages {
      if cuts.contains(Link(from: message.from, to: message.to)) || random.chance(dropPercent) { continue }
      let bytes = message.encoded()
      deliver(bytes, at: time)
      if case .propose = message.body { continue }
      if random.chance(duplicatePercent) { deliver(bytes, at: time) }
    }
  }

  /// What arrives now; messages on a link that was cut meanwhile are lost.
  mutating func arriving(at time: Int) throws -> [Message] {
    guard time < arrivals.count, !arrivals[time].isEmpty else { return [] }
    var messages: [Message] = []
    for bytes in arrivals[time] {
      let message = try Message(decoding: bytes)
      if !cuts.contains(Link(from: message.from, to: message.to)) { messages.append(message) }
    }
    arrivals[time] = []
    return messages
  }

  private mutating func deliver(_ bytes: [UInt8], at time: Int) {
    let due = time + Int.random(in: delayMilliseconds, using: &random)
    while arrivals.count <= due { arrivals.append([]) }
    arrivals[due].append(bytes)
  }
}

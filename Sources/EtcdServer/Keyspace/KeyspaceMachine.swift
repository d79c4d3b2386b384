// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Meters
import Raft

/// What applying an entry means for the member that applies it; outcomes of other members' proposals are not kept.
enum AppliedOutcome {
  /// Nothing that anyone here waits for.
  case none
  /// A command of this member took effect; no result for commands that have none.
  case command(RequestID, Result<KeysReply, EtcdError>?)
  /// The membership changed; the request is this member's own, if any.
  case membership(RequestID?)
}

/// The replicated state machine: the keyspace and the members.
struct KeyspaceMachine: StateMachine {
  private static let magic: [UInt8] = Array("CKMS".utf8)
  private static let format: UInt8 = 1
  private static let pieceBytes = 1 << 20

  let member: MemberID
  let keyspace: Keyspace
  /// How long snapshots took.
  let snapshots: Histogram

  /// Applies an entry.
  ///
  /// What no member of this version writes changes nothing, on every member alike.
  mutating func apply(_ entry: Entry) -> AppliedOutcome {
    switch entry.kind {
    case .empty: break
    case .command:
      guard let command = ReplicatedCommand(decoding: entry.data) else { break }
      return apply(command, of: entry)
    case .configuration:
      guard let record = try? ConfigurationRecord(decoding: entry.data) else { break }
      keyspace.apply(record.change, of: entry)
      let context = MembershipContext(decoding: record.change.context)
      return .membership(context?.proposer == member ? context?.request : nil)
    }
    keyspace.skip(entry)
    return .none
  }

  private func apply(_ command: ReplicatedCommand, of entry: Entry) -> AppliedOutcome {
    switch command.content {
    case .keys(let change):
      let result = keyspace.apply(change, of: entry)
      return command.proposer == member ? .command(command.request, result) : .none
    case .attributes(let attributes):
      keyspace.apply(attributes, of: entry)
      return command.proposer == member ? .command(command.request, nil) : .none
    }
  }

  /// Shape: magic, format, length of the membership (8 bytes, little endian), membership, store.
  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
    let start = Clocks.monotonicNanoseconds()
    defer { snapshots.observe(nanoseconds: Clocks.monotonicNanoseconds() - start) }
    let copy = keyspace.copy()
    let membership = copy.membership.encoded()
    let length = withUnsafeBytes(of: UInt64(membership.count).littleEndian) { Array($0) }
    try write(Self.magic + [Self.format] + length + membership)
    let store = copy.store.encodeSnapshot()
    for start in stride(from: 0, to: store.count, by: Self.pieceBytes) {
      try write(Array(store[start..<min(store.count, start + Self.pieceBytes)]))
    }
  }

  mutating func restore(_ metadata: SnapshotMetadata, read: () throws -> [UInt8]?) throws {
    var bytes: [UInt8] = []
    while let piece = try read() { bytes += piece }
    let headerBytes = Self.magic.count + 1 + 8
    guard bytes.count >= headerBytes, bytes.starts(with: Self.magic), bytes[Self.magic.count] == Self.format else {
      throw EtcdServerError(.restore, "the snapshot at \(metadata.index) is not one of this version's")
    }
    let length = bytes.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: headerBytes - 8, as: UInt64.self))
    }
    guard length <= UInt64(bytes.count - headerBytes),
      let membership = Membership(decoding: Array(bytes[headerBytes..<headerBytes + Int(length)]))
    else { throw EtcdServerError(.restore, "the members in the snapshot at \(metadata.index) cannot be read") }
    bytes.removeFirst(headerBytes + Int(length))
    do {
      keyspace.replace(store: try Store(decodingSnapshot: bytes), membership: membership, at: metadata)
    } catch {
      throw EtcdServerError(.restore, "the keys in the snapshot at \(metadata.index) cannot be read", cause: error)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft

/// What applying an entry means for the member that applies it; outcomes of other members' proposals are not kept.
enum AppliedOutcome {
  /// Nothing that anyone here waits for.
  case none
  /// A command of this member took effect; no result for commands that have none.
  case command(RequestID, Result<KeysReply, EtcdError>?)
  /// The membership changed; the request is this member's own, if any.
  case membership(RequestID?)
  /// A change of users or roles of this member took effect, or was refused.
  case auth(RequestID, Result<AuthOutcome, AuthError>)
}

/// The replicated state machine: the keyspace, the members, the users.
struct KeyspaceMachine: StateMachine {
  private static let magic: [UInt8] = Array("CKMS".utf8)
  /// Format 1 had no users.
  private static let format: UInt8 = 2
  private static let pieceBytes = 1 << 20

  let member: MemberID
  let keyspace: Keyspace

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
    case .auth(let change):
      let result = keyspace.apply(change, of: entry)
      return command.proposer == member ? .auth(command.request, result) : .none
    }
  }

  /// Shape: magic, format, membership and users each after their length (8 bytes, little endian), store.
  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
    let copy = keyspace.copy()
    try write(Self.magic + [Self.format])
    for section in [copy.membership.encoded(), copy.auth.encoded()] {
      try write(withUnsafeBytes(of: UInt64(section.count).littleEndian) { Array($0) } + section)
    }
    let store = copy.store.encodeSnapshot()
    for start in stride(from: 0, to: store.count, by: Self.pieceBytes) {
      try write(Array(store[start..<min(store.count, start + Self.pieceBytes)]))
    }
  }

  mutating func restore(_ metadata: SnapshotMetadata, read: () throws -> [UInt8]?) throws {
    var bytes: [UInt8] = []
    while let piece = try read() { bytes += piece }
    let headerBytes = Self.magic.count + 1
    guard bytes.count >= headerBytes, bytes.starts(with: Self.magic),
      (1...Self.format).contains(bytes[Self.magic.count])
    else {
      throw EtcdServerError(.restore, "the snapshot at \(metadata.index) is not one of this version's")
    }
    let hasUsers = bytes[Self.magic.count] >= 2
    var rest = bytes[headerBytes...]
    guard let membership = Self.section(&rest).flatMap({ Membership(decoding: Array($0)) }) else {
      throw EtcdServerError(.restore, "the members in the snapshot at \(metadata.index) cannot be read")
    }
    guard let auth = hasUsers ? Self.section(&rest).flatMap({ try? AuthState(decoding: $0) }) : AuthState() else {
      throw EtcdServerError(.restore, "the users in the snapshot at \(metadata.index) cannot be read")
    }
    do {
      let store = try Store(decodingSnapshot: Array(rest))
      keyspace.replace(store: store, membership: membership, auth: auth, at: metadata)
    } catch {
      throw EtcdServerError(.restore, "the keys in the snapshot at \(metadata.index) cannot be read", cause: error)
    }
  }

  /// Takes a section with its length off the front; nil when the bytes end before it does.
  private static func section(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.count >= 8 else { return nil }
    let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    bytes = bytes.dropFirst(8)
    guard length <= UInt64(bytes.count) else { return nil }
    defer { bytes = bytes.dropFirst(Int(length)) }
    return bytes.prefix(Int(length))
  }
}

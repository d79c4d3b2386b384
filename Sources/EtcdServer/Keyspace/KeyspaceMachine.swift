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
  /// A batch of refreshes of this member took effect, with the result of each.
  case refreshes(RequestID, [Result<KeysReply, EtcdError>])
  /// The membership changed; the request is this member's own, if any.
  case membership(RequestID?)
  /// A change of users or roles of this member took effect, or was refused.
  case auth(RequestID, Result<AuthOutcome, AuthError>)
}

/// The replicated state machine: the keyspace, the members, the users.
struct KeyspaceMachine: StateMachine {
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
      let replies = keyspace.apply(change, of: entry)
      guard command.proposer == member else { return .none }
      if case .refresh = change { return .refreshes(command.request, replies.refreshed) }
      return .command(command.request, replies.reply)
    case .attributes(let attributes):
      keyspace.apply(attributes, of: entry)
      return command.proposer == member ? .command(command.request, nil) : .none
    case .auth(let change):
      let result = keyspace.apply(change, of: entry)
      return command.proposer == member ? .auth(command.request, result) : .none
    }
  }

  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
    try frozen().writeSnapshot(write)
  }

  func frozen() -> any FrozenState {
    let copy = keyspace.copy()
    return FrozenKeyspace(store: copy.store, membership: copy.membership, auth: copy.auth, duration: snapshots)
  }

  mutating func restore(_ metadata: SnapshotMetadata, read: () throws -> [UInt8]?) throws {
    try withoutActuallyEscaping(read) { read in
      guard var sections = try SnapshotSections(read) else {
        throw EtcdServerError(.restore, "the snapshot at \(metadata.index) is not one of this version's")
      }
      guard let members = try sections.next(), let membership = Membership(decoding: members) else {
        throw EtcdServerError(.restore, "the members in the snapshot at \(metadata.index) cannot be read")
      }
      guard let users = try sections.next(), let auth = try? AuthState(decoding: users) else {
        throw EtcdServerError(.restore, "the users in the snapshot at \(metadata.index) cannot be read")
      }
      let store: Store
      do {
        store = try Store(readingSnapshot: { try sections.rest() })
      } catch let error as StoreDecodingError {
        throw EtcdServerError(.restore, "the keys in the snapshot at \(metadata.index) cannot be read", cause: error)
      }
      keyspace.replace(store: store, membership: membership, auth: auth, at: metadata)
    }
  }
}

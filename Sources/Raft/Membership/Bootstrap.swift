// SPDX-License-Identifier: Apache-2.0

/// The beginning of a new cluster: what every initial member writes into its own empty log.
///
/// Each initial member adds itself and the others by one `.configuration` entry each, at term 1, already committed, in
/// the order of their ids. All start with the same log, and members that join later learn of them by the log.
///
/// Invariant: all initial members of a cluster must be given equal values; contexts are part of the log.
/// Source: etcd-io/raft `bootstrap.go`.
public struct Bootstrap: Sendable, Equatable {
  /// The initial voters with the context each is added with, sorted by id.
  public let members: [Member]

  /// An initial voter.
  public struct Member: Sendable, Equatable {
    /// Its id.
    public var id: MemberID
    /// The host's own bytes about it.
    public var context: [UInt8]

    /// Makes an initial voter.
    public init(id: MemberID, context: [UInt8] = []) {
      self.id = id
      self.context = context
    }
  }

  /// Makes the beginning of a cluster.
  public init(members: [Member]) {
    self.members = members.sorted { $0.id < $1.id }
  }

  /// What an empty log becomes.
  public var batch: LogBatch {
    let configuration = Configuration(voters: members.map(\.id))
    let term = Term(1)
    let entries = members.enumerated().map { offset, member in
      let change = ConfigurationChange(.addVoter, member.id, context: member.context)
      return Entry(
        term: term,
        index: LogIndex(UInt64(offset) + 1),
        kind: .configuration,
        timestampNanoseconds: 0,
        data: ConfigurationRecord(change: change, configuration: configuration).encoded()
      )
    }
    let hardState = HardState(term: term, vote: nil, commitIndex: LogIndex(UInt64(entries.count)))
    return LogBatch(hardState: hardState, entries: entries)
  }
}

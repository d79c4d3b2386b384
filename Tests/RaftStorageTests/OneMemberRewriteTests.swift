// SPDX-License-Identifier: Apache-2.0
import Raft
import RaftStorage
import Testing

@Suite struct OneMemberRewriteTests {
  private static let three = Bootstrap(
    members: [0xA, 0xB, 0xC].map { Bootstrap.Member(id: MemberID($0), context: [UInt8($0)]) }
  )

  /// A log of one of three members: the beginning, then commands of which only some are known to be committed.
  private func fill(_ directory: ScratchDirectory) throws -> [Entry] {
    let store = try openStore(directory)
    try store.append(Self.three.batch)
    try store.append(
      LogBatch(
        hardState: HardState(term: Term(3), vote: MemberID(0xB), commitIndex: LogIndex(5)),
        entries: entries(4...9, term: 3)
      )
    )
    return try Content(store).entries
  }

  @Test func `all entries stay, and the others are removed behind them`() throws {
    let directory = try ScratchDirectory()
    let before = try fill(directory)
    let owner = try OneMemberRewrite(context: [7]).apply(directory: directory.path)
    #expect(owner == LogOwner(cluster: cluster, member: member, configuration: Configuration(voters: [member])))

    let content = try Content(openStore(directory))
    #expect(Array(content.entries.prefix(9)) == before)
    let records = try content.entries.dropFirst(9).map { try ConfigurationRecord(decoding: $0.data) }
    #expect(
      records.map(\.change) == [
        ConfigurationChange(.update, member, context: [7]), ConfigurationChange(.remove, MemberID(0xB)),
        ConfigurationChange(.remove, MemberID(0xC)),
      ]
    )
    #expect(records.allSatisfy { $0.configuration == Configuration(voters: [member]) })
    #expect(content.entries.map(\.index.rawValue) == Array(1...12))
    #expect(content.entries.suffix(3).allSatisfy { $0.term == Term(3) && $0.timestampNanoseconds == 9_000 })
    #expect(content.stored.hardState == HardState(term: Term(3), vote: nil, commitIndex: LogIndex(12)))
  }

  @Test func `with another identity the former member is removed as well`() throws {
    let directory = try ScratchDirectory()
    _ = try fill(directory)
    let rewrite = OneMemberRewrite(cluster: ClusterID(5), member: MemberID(6), context: [1])
    try rewrite.apply(directory: directory.path)
    #expect(throws: RaftStorageError.self) { try openStore(directory) }
    let store = try SQLiteLogStore(directory: directory.path, cluster: ClusterID(5), member: MemberID(6))
    let records = try Content(store).entries.dropFirst(9).map { try ConfigurationRecord(decoding: $0.data) }
    #expect(records.map(\.change.action) == [.addVoter, .remove, .remove, .remove])
    #expect(records.map(\.change.member.rawValue) == [6, 0xA, 0xB, 0xC])
  }

  @Test func `carried out again it changes nothing`() throws {
    let directory = try ScratchDirectory()
    _ = try fill(directory)
    let rewrite = OneMemberRewrite(cluster: ClusterID(5), member: MemberID(6), context: [1])
    let first = try rewrite.apply(directory: directory.path)
    let content = try Content(SQLiteLogStore(directory: directory.path, cluster: ClusterID(5), member: MemberID(6)))
    #expect(try rewrite.apply(directory: directory.path) == first)
    let again = try Content(SQLiteLogStore(directory: directory.path, cluster: ClusterID(5), member: MemberID(6)))
    #expect(again == content)
  }

  @Test func `the members of a snapshot count when the log behind it names none`() throws {
    let directory = try ScratchDirectory()
    do {
      let store = try openStore(directory)
      try store.stageSnapshot([1, 2, 3], at: 0)
      var snapshot = metadata(20, term: 4)
      snapshot.configuration = Configuration(voters: [member, MemberID(0xD)])
      try store.installStagedSnapshot(
        snapshot,
        hardState: HardState(term: Term(4), vote: nil, commitIndex: LogIndex(20))
      )
    }
    try OneMemberRewrite(context: []).apply(directory: directory.path)
    let store = try openStore(directory)
    let entries = try Content(store).entries
    #expect(entries.map(\.index.rawValue) == [21, 22])
    #expect(try ConfigurationRecord(decoding: entries[1].data).change == ConfigurationChange(.remove, MemberID(0xD)))
    #expect(try snapshotBytes(store, index: 20) == [1, 2, 3])
  }

  @Test func `where there is no log there is nothing to rewrite`() throws {
    let directory = try ScratchDirectory()
    #expect(try OneMemberRewrite(context: []).apply(directory: directory.path) == nil)
    #expect(try LogOwner.read(directory: directory.path) == nil)
  }
}

// SPDX-License-Identifier: Apache-2.0

extension RaftNode {
  /// Entries from the leader (paper, section 5.3; etcd-io/raft `raft.go` `handleAppendEntries`).
  mutating func stepAppend(_ request: AppendRequest, from leader: MemberID) {
    if request.previousIndex < commitIndex, request.previousIndex.advanced(by: request.entries.count) <= commitIndex {
      send(.appendResponse(.accepted(match: commitIndex)), to: leader)
      return
    }
    let isKnown = request.previousIndex < commitIndex || tail.matches(request.previousIndex, request.previousTerm)
    guard isKnown else {
      let bounded = min(request.previousIndex, tail.lastIndex)
      let hint = tail.hint(atOrBelow: bounded, term: request.previousTerm)
      let response = AppendResponse.rejected(
        previousIndex: request.previousIndex,
        hintIndex: hint.index,
        hintTerm: hint.term
      )
      send(.appendResponse(response), to: leader)
      return
    }
    guard merge(request.entries) else { return }
    let match = max(commitIndex, request.previousIndex.advanced(by: request.entries.count))
    commit(through: min(request.commitIndex, match))
    send(.appendResponse(.accepted(match: match)), to: leader)
  }

  /// Appends what is new; the first entry of another term replaces everything from there on.
  private mutating func merge(_ entries: [Entry]) -> Bool {
    for entry in entries {
      if entry.index <= tail.lastIndex {
        // What is committed is equal on all members, compacted or not.
        if tail.term(at: entry.index) == entry.term { continue }
        guard entry.index > commitIndex else {
          if tail.term(at: entry.index) == nil { continue }
          violation = "leader of term \(term) replaces committed entry \(entry.index)"
          return false
        }
        tail.truncate(from: entry.index)
        configurations.truncate(from: entry.index)
      }
      guard adoptConfiguration(of: entry) else { return false }
      tail.append(entry)
    }
    return true
  }

  /// A configuration is in force as soon as its entry is in the log.
  @discardableResult
  mutating func adoptConfiguration(of entry: Entry) -> Bool {
    guard entry.kind == .configuration else { return true }
    do {
      configurations.append(try ConfigurationRecord(decoding: entry.data).configuration, at: entry.index)
      return true
    } catch {
      violation = "entry \(entry.index): \(error)"
      return false
    }
  }

  mutating func stepHeartbeat(_ commitIndex: LogIndex, readRound: UInt64, from leader: MemberID) {
    // The leader knows this member to hold that much, but a member whose storage went back does not.
    commit(through: min(commitIndex, tail.lastIndex))
    send(.heartbeatResponse(readRound: readRound), to: leader)
  }

  mutating func commit(through index: LogIndex) {
    guard index > commitIndex else { return }
    commitIndex = index
  }

  // MARK: Snapshots

  mutating func stepSnapshotChunk(_ request: SnapshotChunkRequest, from leader: MemberID) {
    let metadata = request.metadata
    if metadata.index <= commitIndex {
      send(.appendResponse(.accepted(match: commitIndex)), to: leader)
      return
    }
    if tail.matches(metadata.index, metadata.term) {
      // The log already holds everything the snapshot stands for.
      commit(through: metadata.index)
      send(.appendResponse(.accepted(match: metadata.index)), to: leader)
      return
    }
    let isSame = staging.map { $0.from == leader && $0.term == term && $0.metadata == metadata } ?? false
    if !isSame { staging = Staging(from: leader, term: term, metadata: metadata, bytes: 0) }
    let stagedBytes = staging?.bytes ?? 0
    guard request.offset == stagedBytes else {
      send(.snapshotResponse(index: metadata.index, stagedBytes: stagedBytes), to: leader)
      return
    }
    staged.append(Ready.StagedPiece(offset: request.offset, bytes: request.chunk.bytes))
    let total = stagedBytes + UInt64(request.chunk.bytes.count)
    staging?.bytes = total
    guard request.chunk.isLast else {
      send(.snapshotResponse(index: metadata.index, stagedBytes: total), to: leader)
      return
    }
    install(metadata)
    send(.appendResponse(.accepted(match: metadata.index)), to: leader)
  }

  private mutating func install(_ metadata: SnapshotMetadata) {
    staging = nil
    installed = metadata
    snapshot = metadata
    tail.reset(to: metadata)
    configurations = ConfigurationHistory(metadata)
    commitIndex = metadata.index
  }

  /// This member saved a snapshot of its own.
  mutating func saved(_ metadata: SnapshotMetadata) {
    snapshot = metadata
    staging = nil
  }

  /// The log was compacted up to an index that the snapshot covers.
  mutating func compacted(through index: LogIndex) {
    tail.compact(through: index)
  }
}

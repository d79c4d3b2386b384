// SPDX-License-Identifier: Apache-2.0
import FleetWire
import NIOPosix
import UnitRunner
import Units

/// Opens this machine's journal, and those of others by asking them.
struct JournalDesk: JournalAPI {
  let machineID: String
  let supervision: UnitSupervision
  /// The journals of the node of another machine; nil answers for this machine only.
  var remote: (@Sendable (_ machineID: String) throws -> any JournalAPI)?

  func journal(_ query: JournalQuery) async throws(FleetAPIError) -> JournalFeed {
    if let wanted = query.machineID, wanted != machineID { return try await journals(of: wanted).journal(query) }
    let request = JournalReader.Request(
      selection: JournalSelection(query.units),
      after: query.after,
      end: query.end,
      sinceMicroseconds: query.sinceMicroseconds,
      untilMicroseconds: query.untilMicroseconds,
      lines: query.lines,
      follows: query.follows
    )
    let supervision = supervision
    do {
      // Files are read on threads that may wait for a disk.
      let reader = try await NIOThreadPool.singleton.runIfActive { supervision.journalReader(request) }
      let source = LocalJournal(reader, follows: query.follows)
      return JournalFeed { try await source.next() }
    } catch {
      throw .unavailable("the node is about to end")
    }
  }

  private func journals(of wanted: String) throws(FleetAPIError) -> any JournalAPI {
    guard let remote else {
      throw .notFound("machine \(wanted.prefix(8)) is not machine \(machineID.prefix(8)), which was asked for it")
    }
    do {
      return try remote(wanted)
    } catch let error as FleetAPIError {
      throw error
    } catch {
      throw .failed("machine \(wanted.prefix(8)) cannot be asked: \(error)")
    }
  }
}

/// The reading of this machine's journal for one reader.
private actor LocalJournal {
  /// How often a journal that is followed is looked at.
  private static let followInterval = Duration.milliseconds(100)

  private var reader: JournalReader
  private let follows: Bool
  private var isOver = false
  private var hasBegun = false

  init(_ reader: JournalReader, follows: Bool) {
    self.reader = reader
    self.follows = follows
  }

  /// The next batch: first an empty one that says where the reading begins and ends, later an empty one of a journal that is followed when nothing came for a while.
  func next() async throws -> JournalBatch? {
    guard !isOver else { return nil }
    guard hasBegun else {
      hasBegun = true
      return reader.standing
    }
    let deadline = ContinuousClock.now + JournalFeed.heartbeat
    while true {
      let current = reader
      let (batch, advanced) = try await NIOThreadPool.singleton.runIfActive { () -> (JournalBatch, JournalReader) in
        var reader = current
        let batch = reader.read()
        return (batch, reader)
      }
      reader = advanced
      if batch.isAtEnd, !follows { isOver = true }
      guard follows, batch.records.isEmpty else { return batch }
      if batch.isAtEnd {
        guard ContinuousClock.now < deadline else { return batch }
        try await Task.sleep(for: Self.followInterval)
      }
    }
  }
}

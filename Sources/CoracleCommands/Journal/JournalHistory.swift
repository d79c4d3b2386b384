// SPDX-License-Identifier: Apache-2.0
import FleetWire
import Units

/// Reads what the journals of several machines hold now, merged by time.
struct JournalHistory {
  /// Machines that are asked at once.
  static let machinesAtOnce = 16
  /// The most that is kept of last entries, in bytes of messages; earlier ones are left out then.
  static let tailBytes = 64 << 20

  let journals: any JournalAPI
  let machines: [String]

  /// What was found out beside the entries.
  struct Outcome {
    /// Where reading goes on, by machine.
    var cursors: [String: JournalPosition] = [:]
    /// The machines that could not be asked to the end.
    var failures: [String: any Error] = [:]
    /// The units that have entries.
    var units: Set<String> = []
  }

  /// Reads, with `lines` only the last so many of all machines together.
  func read(_ query: JournalQuery, _ emit: (JournalRecord) -> Void) async -> Outcome {
    var outcome = Outcome()
    var merge = JournalMerge()
    var feeds: [String: JournalFeed] = [:]
    var tail = JournalTailBuffer(limit: query.lines ?? 0, limitBytes: Self.tailBytes)
    for machine in machines { merge.open(machine) }
    while !merge.isOver {
      let answers = await ask(merge.hungry, feeds, query)
      for (machine, feed, answer) in answers {
        feeds[machine] = feed
        switch answer {
        case .success(let batch?):
          outcome.cursors[machine] = batch.cursor
          merge.add(batch.records, from: machine, at: .zero)
        case .success(nil): merge.close(machine)
        case .failure(let error):
          outcome.failures[machine] = error
          merge.close(machine)
        }
      }
      for record in merge.take(at: nil, limit: .max) {
        outcome.units.insert(record.unit)
        if query.lines == nil { emit(record) } else { tail.add(record) }
      }
    }
    for record in tail.records { emit(record) }
    return outcome
  }

  private typealias Answer = (machine: String, feed: JournalFeed?, batch: Result<JournalBatch?, any Error>)

  /// The next batch of each machine, opening its journal first where that is not done.
  private func ask(_ hungry: [String], _ feeds: [String: JournalFeed], _ query: JournalQuery) async -> [Answer] {
    await withTaskGroup(of: Answer.self) { group in
      var answers: [Answer] = []
      for (offset, machine) in hungry.enumerated() {
        if offset >= Self.machinesAtOnce, let answer = await group.next() { answers.append(answer) }
        let known = feeds[machine]
        group.addTask { [journals] in
          var query = query
          query.machineID = machine
          var feed = known
          do {
            let opened = if let known { known } else { try await journals.journal(query) }
            feed = opened
            return (machine, opened, .success(try await opened.next()))
          } catch {
            return (machine, feed, .failure(error))
          }
        }
      }
      for await answer in group { answers.append(answer) }
      return answers
    }
  }
}

/// The last entries of many.
struct JournalTailBuffer {
  private let limit: Int
  private let limitBytes: Int
  private var entries: ArraySlice<JournalRecord> = []
  private var bytes = 0

  init(limit: Int, limitBytes: Int) {
    self.limit = limit
    self.limitBytes = limitBytes
  }

  var records: [JournalRecord] { Array(entries) }

  mutating func add(_ record: JournalRecord) {
    entries.append(record)
    bytes += record.message.count
    while entries.count > limit || bytes > limitBytes, let first = entries.popFirst() { bytes -= first.message.count }
  }
}

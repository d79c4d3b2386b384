// SPDX-License-Identifier: Apache-2.0
import APIServer
import FleetWire
import Synchronization
import TestKit
import Testing
import Units

@testable import APIClients

@Suite struct JournalClientTests {
  /// Entries 1 to `count`; the feed fails once after `breakAfter`.
  private final class Journals: JournalAPI {
    let count: Int64
    let breakAfter: Int64
    let opened = Mutex<[JournalQuery]>([])

    init(count: Int64, breakAfter: Int64 = .max) {
      self.count = count
      self.breakAfter = breakAfter
    }

    func journal(_ query: JournalQuery) async throws(FleetAPIError) -> JournalFeed {
      guard query.machineID != "gone" else { throw .notFound("machine gone is not present") }
      let isFirst = opened.withLock { opened in
        opened.append(query)
        return opened.count == 1
      }
      let position = Mutex(query.after?.rawValue ?? 0)
      return JournalFeed { [count, breakAfter] in
        let first = position.withLock { $0 } + 1
        if isFirst, first > breakAfter { throw FleetAPIError.failed("broken") }
        guard first <= count else {
          return JournalBatch(cursor: JournalPosition(rawValue: count), isAtEnd: true)
        }
        let last = min(count, first + 499)
        position.withLock { $0 = last }
        let records = (first...last).map { number in
          JournalRecord(
            position: JournalPosition(rawValue: number),
            epochMicroseconds: number,
            unit: "a.service",
            identifier: "sh",
            message: Array("line \(number)".utf8)
          )
        }
        return JournalBatch(
          records: records,
          cursor: JournalPosition(rawValue: last),
          end: JournalPosition(rawValue: count),
          isAtEnd: false
        )
      }
    }
  }

  private func positions(_ feed: JournalFeed) async throws -> [Int64] {
    var positions: [Int64] = []
    while let batch = try await feed.next() { positions += batch.records.map(\.position.rawValue) }
    return positions
  }

  @Test func `pages are joined, each asked for behind the one before`() async throws {
    try await TestServer.with { servers, transport in
      let journals = Journals(count: 25_000)
      servers[0].ports.setJournals(journals)
      let client = NodeClient(endpoints: [servers[0].endpoint], transport: transport)
      let feed = try await client.journal(JournalQuery(units: ["a.service"], lines: 25_000))
      #expect(try await positions(feed) == Array(1...25_000))
      let opened = journals.opened.withLock { $0 }
      #expect(opened.map(\.after?.rawValue) == [nil, 10_000, 20_000])
      #expect(opened.map(\.end?.rawValue) == [nil, 25_000, 25_000])
      #expect(opened.map(\.lines) == [25_000, nil, nil])
    }
  }

  @Test func `an answer that breaks off is an error, and its reader can go on behind what it has`() async throws {
    try await TestServer.with { servers, transport in
      let journals = Journals(count: 2_000, breakAfter: 1_000)
      servers[0].ports.setJournals(journals)
      let client = NodeClient(endpoints: [servers[0].endpoint], transport: transport)
      var query = JournalQuery(units: ["a.service"])
      let feed = try await client.journal(query)
      var seen: [Int64] = []
      await #expect(throws: (any Error).self) {
        while let batch = try await feed.next() {
          seen += batch.records.map(\.position.rawValue)
          query.after = batch.cursor
        }
      }
      // What was on its way when the connection broke may be lost with it.
      #expect(seen.count <= 1_000 && seen == Array((1...1_000).prefix(seen.count)))
      seen += try await positions(try await client.journal(query))
      #expect(seen == Array(1...2_000))
    }
  }

  @Test func `errors of the node arrive when the journal is opened`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setJournals(Journals(count: 1))
      let client = NodeClient(endpoints: [servers[0].endpoint], transport: transport)
      await #expect(throws: FleetAPIError.notFound("machine gone is not present")) {
        _ = try await client.journal(JournalQuery(units: ["a.service"], machineID: "gone"))
      }
      await #expect(throws: FleetAPIError.self) { _ = try await client.journal(JournalQuery(units: [])) }
    }
  }
}

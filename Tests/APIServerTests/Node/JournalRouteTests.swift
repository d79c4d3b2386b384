// SPDX-License-Identifier: Apache-2.0
import FleetWire
import NIOEmbedded
import Synchronization
import Testing
import Units

@testable import APIServer

@Suite struct JournalRouteTests {
  /// A journal with one entry a position, 1 to `count`, in batches of a hundred.
  private final class Journals: JournalAPI {
    let count: Int64
    let queries = Mutex<[JournalQuery]>([])

    init(count: Int64) {
      self.count = count
    }

    func journal(_ query: JournalQuery) async throws(FleetAPIError) -> JournalFeed {
      guard query.machineID != "gone" else { throw .notFound("machine gone is not present") }
      queries.withLock { $0.append(query) }
      let position = Mutex(query.after?.rawValue ?? 0)
      return JournalFeed { [count] in
        let first = position.withLock { position in
          defer { position += 100 }
          return position + 1
        }
        guard first <= count else { return query.follows ? try await Self.nothing() : nil }
        let records = (first...min(count, first + 99)).map { number in
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
          cursor: JournalPosition(rawValue: first + Int64(records.count) - 1),
          end: JournalPosition(rawValue: count),
          isAtEnd: first + 99 >= count
        )
      }
    }

    private static func nothing() async throws -> JournalBatch? {
      try await Task.sleep(for: .seconds(60))
      return nil
    }
  }

  private func connection(_ journals: Journals) async throws -> TestConnection {
    let ports = APIPorts()
    ports.setJournals(journals)
    return try await TestConnection(ports)
  }

  @Test func `an answer is entries and a mark, one a line`() async throws {
    let answer = try await connection(Journals(count: 2)).ask("GET", "/coracle/v1/journal?unit=a.service")
    #expect(answer.status == 200)
    #expect(answer["content-type"] == "application/x-ndjson")
    let lines = answer.body.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[1].contains(#""cursor":"2""#) && lines[1].contains(#""message":"line 2""#))
    #expect(lines[2] == #"{"end":"2","isAtEnd":true,"next":"2"}"#)
  }

  @Test func `parameters are what they say`() async throws {
    let journals = Journals(count: 1)
    let query = "unit=web%40.service&unit=b*&machine=m1&cursor=5&end=9&since=1&until=2&lines=3"
    _ = try await connection(journals).ask("GET", "/coracle/v1/journal?\(query)")
    #expect(
      journals.queries.withLock { $0 } == [
        JournalQuery(
          units: ["web@.service", "b*"],
          machineID: "m1",
          after: JournalPosition(rawValue: 5),
          end: JournalPosition(rawValue: 9),
          sinceMicroseconds: 1,
          untilMicroseconds: 2,
          lines: 3
        )
      ]
    )
  }

  @Test func `a long answer is cut, and its mark says where it goes on`() async throws {
    let connection = try await connection(Journals(count: 10_050))
    let page = try await connection.ask("GET", "/coracle/v1/journal?unit=a.service").body.split(separator: "\n")
    #expect(page.count == 10_001)
    #expect(page.last == #"{"end":"10050","next":"10000"}"#)
    let rest = try await connection.ask("GET", "/coracle/v1/journal?unit=a.service&cursor=10000&end=10050").body
    #expect(rest.split(separator: "\n").count == 51)
    #expect(rest.hasSuffix("{\"end\":\"10050\",\"isAtEnd\":true,\"next\":\"10050\"}\n"))
  }

  @Test func `a followed journal stays open and marks each piece`() async throws {
    let connection = try await connection(Journals(count: 1))
    try await connection.send("GET", "/coracle/v1/journal?unit=a.service&follow=true")
    #expect(try await connection.head().status == 200)
    #expect(try await connection.chunk()?.contains(#""next":"1""#) == true)
    #expect(connection.channel.isActive)
  }

  @Test(arguments: [
    ("", "unit must"), ("unit=", "unit must"), ("unit=a&cursor=x", "cursor must"), ("unit=a&since=today", "since must"),
    ("unit=a&lines=-1", "lines must"), ("unit=a&lines=100001", "lines must"), ("unit=a&end=-5", "end must"),
  ])
  func `a wrong parameter is named`(query: String, message: String) async throws {
    let answer = try await connection(Journals(count: 1)).ask("GET", "/coracle/v1/journal?\(query)")
    #expect(answer.status == 400)
    #expect(answer.body.contains(message), "\(answer.body)")
  }

  @Test func `what cannot be asked is told as an error`() async throws {
    let connection = try await connection(Journals(count: 1))
    #expect(try await connection.ask("GET", "/coracle/v1/journal?unit=a&machine=gone").status == 404)
    #expect(try await connection.ask("POST", "/coracle/v1/journal?unit=a").status == 405)
    let early = try await TestConnection(APIPorts())
    #expect(try await early.ask("GET", "/coracle/v1/journal?unit=a").status == 503)
  }
}

// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire
import NIOCore
import NIOHTTP1
import Units

/// `GET /coracle/v1/journal?unit=NAME…`: the entries of a machine's journal, one JSON object a line.
///
/// Parameters: `unit` (a name, a template for its instances, a pattern; may be repeated), `machine`, `cursor`, `end`,
/// `since` and `until` (microseconds since the Unix epoch), `lines`, `follow`. The last line of an answer, and with
/// `follow` one at least every five seconds, is a mark: `{"isAtEnd":true,"next":"CURSOR"}`. A page ends after
/// ``pageEntries`` or ``pageBytes``; the next one begins with its mark's `next` as `cursor` and its `end` as `end`. Marks
/// may stand between entries too.
struct JournalRoute: HTTPRoute {
  /// Most entries of an answer that does not follow.
  static let pageEntries = 10_000
  /// Bytes after which an answer ends that does not follow.
  static let pageBytes = 8 << 20
  /// Bytes that are sent at once.
  static let pieceBytes = 64 << 10

  let journals: (any JournalAPI)?

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard request.method == .GET else {
      return exchange.respond(Self.response(to: .methodNotAllowed("only GET supported against this resource")))
    }
    guard let journals else {
      return exchange.respond(Self.response(to: .unavailable("the node does not run units yet")))
    }
    let query: JournalQuery
    do throws(FleetAPIError) {
      query = try Self.query(QueryItems(request.target.query))
    } catch {
      return exchange.respond(Self.response(to: error))
    }
    exchange.stream {
      do throws(FleetAPIError) {
        let feed = try await journals.journal(query)
        exchange.begin(.ok, headers: ["Content-Type": "application/x-ndjson"], isOpenEnded: query.follows)
        do {
          try await Self.send(feed, follows: query.follows, exchange)
          exchange.end()
        } catch {
          // The client sees an answer without its mark and asks again.
          exchange.abort()
        }
      } catch {
        exchange.respond(Self.response(to: error))
      }
    }
  }

  private static func send(_ feed: JournalFeed, follows: Bool, _ exchange: HTTPExchange) async throws {
    var entries = 0
    var bytes = 0
    while let batch = try await feed.next() {
      var piece = ByteBuffer()
      for record in batch.records {
        append(record.json, to: &piece)
        guard piece.readableBytes >= pieceBytes else { continue }
        bytes += piece.readableBytes
        try await exchange.sendWaiting(piece).get()
        piece.clear()
      }
      entries += batch.records.count
      bytes += piece.readableBytes
      let isLast = !follows && (batch.isAtEnd || entries >= pageEntries || bytes >= pageBytes)
      if follows || isLast || batch.records.isEmpty {
        append(JournalMark(cursor: batch.cursor, end: batch.end, isAtEnd: batch.isAtEnd).json, to: &piece)
      }
      if piece.readableBytes > 0 { try await exchange.sendWaiting(piece).get() }
      if isLast { return }
    }
  }

  private static func append(_ json: JSONValue, to piece: inout ByteBuffer) {
    piece.writeBytes(json.serialized())
    piece.writeInteger(UInt8(ascii: "\n"))
  }

  /// What the parameters ask for.
  ///
  /// - Throws: ``FleetAPIError/badRequest(_:)`` naming the parameter.
  static func query(_ items: QueryItems) throws(FleetAPIError) -> JournalQuery {
    let units = items.values(of: "unit").filter { !$0.isEmpty }
    guard !units.isEmpty else { throw .badRequest("unit must name at least one unit or pattern") }
    guard units.count <= JournalSelection.maximumWords else {
      throw .badRequest("unit must not occur more than \(JournalSelection.maximumWords) times")
    }
    func value<Value>(_ name: String, _ expected: String, _ read: (String) -> Value?) throws(FleetAPIError) -> Value? {
      guard let text = items[name], !text.isEmpty else { return nil }
      guard let value = read(text) else { throw .badRequest("\(name) must be \(expected), not \"\(text)\"") }
      return value
    }
    let microseconds = "a number of microseconds since the Unix epoch"
    return JournalQuery(
      units: units,
      machineID: items["machine"].flatMap { $0.isEmpty ? nil : $0 },
      after: try value("cursor", "a cursor of an earlier answer") { JournalPosition($0) },
      end: try value("end", "the end of an earlier answer") { JournalPosition($0) },
      sinceMicroseconds: try value("since", microseconds) { Int64($0) },
      untilMicroseconds: try value("until", microseconds) { Int64($0) },
      lines: try value("lines", "a number from 0 to \(NodeRoute.maximumLines)") { text in
        Int(text).flatMap { (0...NodeRoute.maximumLines).contains($0) ? $0 : nil }
      },
      follows: items.isOn("follow")
    )
  }

  private static func response(to error: FleetAPIError) -> HTTPResponse {
    .json(HTTPResponseStatus(statusCode: error.httpStatus), error.json.text)
  }
}

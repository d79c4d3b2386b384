// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import EtcdWire
public import FleetWire
import NIOCore
import Units

extension NodeClient: JournalAPI {
  /// Opens the journal of a machine; pages of an answer are joined, an answer that breaks off is an error.
  ///
  /// - Throws: ``FleetAPIError``; 404 when the machine is not present.
  public func journal(_ query: JournalQuery) async throws(FleetAPIError) -> JournalFeed {
    let source = JournalPages(self, query)
    try await source.open()
    return JournalFeed { try await source.next() }
  }

  func target(of query: JournalQuery) -> String {
    var items = query.units.map { ("unit", $0) }
    func add(_ name: String, _ value: (some CustomStringConvertible)?) {
      if let value { items.append((name, value.description)) }
    }
    add("machine", query.machineID)
    add("cursor", query.after)
    add("end", query.end)
    add("since", query.sinceMicroseconds)
    add("until", query.untilMicroseconds)
    add("lines", query.lines)
    if query.follows { items.append(("follow", "true")) }
    if asksLocally { items.append(("local", "true")) }
    return "journal?" + items.map { "\($0.0)=\(PercentCoding.encodedFormValue($0.1))" }.joined(separator: "&")
  }
}

/// One journal, read page after page.
private actor JournalPages {
  private let client: NodeClient
  private var query: JournalQuery
  private var body: HTTPClientResponse.Body.AsyncIterator?
  private var pending = ByteBuffer()
  private var isOver = false
  /// Whether the last line was a mark, after which a page may end.
  private var endsWithMark = false

  init(_ client: NodeClient, _ query: JournalQuery) {
    self.client = client
    self.query = query
  }

  func open() async throws(FleetAPIError) {
    do {
      body = try await client.openLines(client.target(of: query)).body.makeAsyncIterator()
    } catch let error as FleetAPIError {
      throw error
    } catch {
      throw .unreachable("\(error)")
    }
    pending.clear()
    endsWithMark = false
  }

  /// Whole lines as they arrive; nil at the end.
  func next() async throws -> JournalBatch? {
    while !isOver {
      if let batch = try takeLines() {
        if batch.isAtEnd, !query.follows { isOver = true }
        advance(batch)
        return batch
      }
      guard var iterator = body else {
        try await open()
        continue
      }
      body = nil
      guard let part = try await iterator.next(isolation: self) else {
        guard endsWithMark, !query.follows else { throw FleetAPIError.unreachable("the journal's answer broke off") }
        continue
      }
      body = iterator
      pending.writeImmutableBuffer(part)
    }
    return nil
  }

  /// What is asked for when the next page is.
  private func advance(_ batch: JournalBatch) {
    query.after = max(batch.cursor, query.after ?? .start)
    query.end = batch.end ?? query.end
    query.lines = nil
  }

  /// The lines that are complete, up to a mark; nil when there is none.
  private func takeLines() throws -> JournalBatch? {
    var records: [JournalRecord] = []
    while let bytes = try NodeClient.takeLine(from: &pending) {
      guard let json = try? JSONValue.parse(bytes) else { continue }
      if let record = JournalRecord(json: json) {
        records.append(record)
        endsWithMark = false
      } else if let mark = JournalMark(json: json) {
        endsWithMark = true
        return JournalBatch(records: records, cursor: mark.cursor, end: mark.end, isAtEnd: mark.isAtEnd)
      }
    }
    return records.last.map { JournalBatch(records: records, cursor: $0.position, isAtEnd: false) }
  }
}

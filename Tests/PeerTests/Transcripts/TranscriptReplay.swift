// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

@testable import Differential

/// Sends recorded requests to a coracle and compares its answers with those that were recorded.
final class TranscriptReplay {
  let server: LoneServer
  private let ours: ServerFacts
  private var recorded: ServerFacts
  private var connection: RawConnection
  private(set) var differences: [String] = []
  private(set) var accepted: [String] = []
  private(set) var count = 0

  /// Prepares a replay.
  ///
  /// - Parameters:
  ///   - server: A coracle whose store is empty.
  ///   - replacements: What was the recorded server's own, and what stands in its place.
  ///   - firstIndex: The index before the first recorded write.
  /// - Throws: When the server does not answer.
  init(_ server: LoneServer, replacements: [(String, String)], firstIndex: Int64) throws {
    self.server = server
    let facts = try server.facts("coracle")
    ours = ServerFacts(
      label: "coracle",
      replacements: facts.replacements.map { ($0.text, $0.placeholder) }
        + [("http://\(server.host):2379", "CLIENT"), ("http://\(server.host):2380", "PEER"), ("m0", "NAME")]
    )
    connection = try server.connection()
    recorded = ServerFacts(
      label: "etcd",
      replacements: replacements.map { (text: $0.0, placeholder: $0.1) }
    )
    recorded.indexOffset = firstIndex - (try currentIndex())
  }

  /// Sends a request and compares the answer with the recorded one.
  func replay(_ exchange: RecordedExchange) throws {
    var exchange = exchange
    try catchUp(with: exchange)
    count += 1
    mapCondition(&exchange)
    let answer = try self.answer(to: exchange.request)
    compare(answer, exchange)
  }

  /// Lets a condition name our index of the same moment; one before our first stays, and the record is made to name it.
  private func mapCondition(_ exchange: inout RecordedExchange) {
    let pattern = #/prevIndex=(\d+)/#
    guard let match = exchange.request.target.firstMatch(of: pattern) ?? exchange.request.body?.firstMatch(of: pattern),
      let index = Int64(match.1), index > 0
    else { return }
    if index > recorded.indexOffset {
      let mapped = "prevIndex=\(index - recorded.indexOffset)"
      exchange.request.target = exchange.request.target.replacing("prevIndex=\(index)", with: mapped)
      exchange.request.body = exchange.request.body?.replacing("prevIndex=\(index)", with: mapped)
    } else {
      let text = exchange.answer.text.replacing("[\(index) != ", with: "[\(index + recorded.indexOffset) != ")
      exchange.answer.body = Array(text.utf8)
    }
  }

  func answer(to request: RequestTemplate) throws -> RawAnswer {
    if connection.isClosed { connection = try server.connection() }
    connection.send(request.rendered(offset: 0))
    let answer = connection.answer(isHead: request.method == "HEAD")
    if answer["connection"] == "close" || answer.status == 0 || !answer.isWhole { connection = try server.connection() }
    return answer
  }

  /// Compares what was recorded: fields that were not are left out.
  func compare(_ answer: RawAnswer, _ exchange: RecordedExchange) {
    var (answer, record) = (answer, exchange.answer)
    let names = Set(record.headers.map(\.name))
    let isJSON = record.body.first == UInt8(ascii: "{")
    if !names.isEmpty {
      answer.headers = answer.headers.filter { names.contains($0.name) || ["allow", "location"].contains($0.name) }
    } else {
      answer.headers = []
    }
    for name in ["content-type"] where isJSON && !names.contains(name) {
      answer.headers.removeAll { $0.name == name }
      answer.headers.append((name, "application/json"))
      record.headers.append((name, "application/json"))
    }
    // The record's line ends were lost where bodies have one.
    while answer.body.last == 10 { answer.body.removeLast() }
    while record.body.last == 10 { record.body.removeLast() }
    let isSorted = exchange.request.target.contains("sorted=true")
    let isHead = exchange.request.method == "HEAD" || exchange.name.contains("/debug/vars")
    let mapped = ComparedAnswer(answer, of: ours, isSorted: isSorted, isHead: isHead)
    let wanted = ComparedAnswer(record, of: recorded, isSorted: isSorted, isHead: isHead)
    let agrees = mapped.lines == wanted.lines && mapped.times.count == wanted.times.count && sameTTL(mapped, wanted)
    let escapes = mapped.escapes == wanted.escapes
    switch (agrees && escapes, AcceptedDifferences.reason(exchange)) {
    case (true, nil): break
    case (true, let reason?): differences.append("no longer different: \(exchange.name): \(reason)")
    case (false, let reason?): accepted.append("\(exchange.name): \(reason)")
    case (false, nil):
      if let reason = AcceptedDifferences.parserDependent[exchange.name] {
        accepted.append("\(exchange.name): \(reason)")
        return
      }
      differences.append("\(exchange.name)\n  coracle:  \(mapped.lines)\n  recorded: \(wanted.lines)")
    }
  }

  /// Seconds left are the same; moments cannot be.
  private func sameTTL(_ left: ComparedAnswer, _ right: ComparedAnswer) -> Bool {
    zip(left.times, right.times).allSatisfy { ours, theirs in
      let isMoment = [ours, theirs].contains { $0 > 1_000_000_000_000_000_000 }
      return isMoment || abs(ours - theirs) <= 3_000_000_000
    }
  }

  /// Waits for what runs out, and takes the indexes that the record spent on what is not replayed.
  private func catchUp(with exchange: RecordedExchange) throws {
    guard let index = exchange.index, index > 0 else { return }
    let wanted = index - recorded.indexOffset - (exchange.isWrite ? 1 : 0)
    let patience = ContinuousClock.now + .milliseconds(400)
    while try currentIndex() < wanted {
      if ContinuousClock.now < patience {
        poll(nil, 0, 20)
      } else {
        _ = try answer(to: RequestTemplate("PUT", "/v2/keys/_between?value=x"))
      }
    }
  }

  private func currentIndex() throws -> Int64 {
    let answer = try answer(to: RequestTemplate("GET", "/v2/keys/_between/none"))
    return answer["x-etcd-index"].flatMap { Int64($0) } ?? 0
  }
}

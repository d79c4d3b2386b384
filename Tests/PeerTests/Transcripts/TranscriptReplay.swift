// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

@testable import Differential

/// Sends recorded requests to a coracle of one member and compares its answers with those that were recorded.
final class TranscriptReplay {
  let server: LoneServer
  let report: ReplayReport
  private var comparison: AnswerComparison
  private let credentials: String?
  private var connection: RawConnection

  /// Prepares a replay.
  ///
  /// - Parameters:
  ///   - server: A coracle.
  ///   - report: Where differences go.
  ///   - replacements: What was the recorded server's own, and what stands in its place.
  ///   - firstIndex: The index before the first recorded write.
  ///   - credentials: Who asks for what was not recorded (`user:password`).
  /// - Throws: When the server does not answer.
  init(
    _ server: LoneServer,
    _ report: ReplayReport,
    replacements: [(String, String)],
    firstIndex: Int64,
    credentials: String? = nil
  ) throws {
    self.server = server
    self.report = report
    self.credentials = credentials
    let facts = try server.facts("coracle")
    let ours = ServerFacts(
      label: "coracle",
      replacements: facts.replacements.map { ($0.text, $0.placeholder) }
        + [("http://\(server.host):2379", "CLIENT"), ("http://\(server.host):2380", "PEER"), ("m0", "NAME")]
    )
    connection = try server.connection()
    let recorded = ServerFacts(
      label: "etcd",
      replacements: replacements.map { (text: $0.0, placeholder: $0.1) }
    )
    comparison = AnswerComparison(ours: ours, recorded: recorded)
    comparison.recorded.indexOffset = firstIndex - (try currentIndex())
  }

  /// Sends a request and compares the answer with the recorded one.
  func replay(_ exchange: RecordedExchange) throws {
    var exchange = exchange
    try catchUp(with: exchange)
    mapCondition(&exchange)
    let answer = try self.answer(to: exchange.request)
    let texts = comparison.texts(answer, exchange)
    let preciseName = "\(exchange.name) @\(exchange.index ?? 0)"
    report.compare(exchange.name, preciseName: preciseName, ours: texts.ours, recorded: texts.recorded)
  }

  /// Lets a condition name our index of the same moment; one before our first stays, and the record is made to name it.
  private func mapCondition(_ exchange: inout RecordedExchange) {
    let pattern = #/prevIndex=(\d+)/#
    let offset = comparison.recorded.indexOffset
    guard let match = exchange.request.target.firstMatch(of: pattern) ?? exchange.request.body?.firstMatch(of: pattern),
      let index = Int64(match.1), index > 0
    else { return }
    if index > offset {
      let mapped = "prevIndex=\(index - offset)"
      exchange.request.target = exchange.request.target.replacing("prevIndex=\(index)", with: mapped)
      exchange.request.body = exchange.request.body?.replacing("prevIndex=\(index)", with: mapped)
    } else {
      let text = exchange.answer.text.replacing("[\(index) != ", with: "[\(index + offset) != ")
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

  /// Waits for what runs out, and takes the indexes that the record spent on what is not replayed.
  private func catchUp(with exchange: RecordedExchange) throws {
    guard let index = exchange.index, index > 0 else { return }
    let wanted = index - comparison.recorded.indexOffset - (exchange.isWrite ? 1 : 0)
    let patience = ContinuousClock.now + .milliseconds(400)
    while try currentIndex() < wanted {
      if ContinuousClock.now < patience {
        poll(nil, 0, 20)
      } else {
        let answer = try answer(to: ownRequest("PUT", "/v2/keys/_between?value=x"))
        guard answer.status < 300 else { throw CommandFailed(description: "cannot take an index: \(answer.text)") }
      }
    }
  }

  private func currentIndex() throws -> Int64 {
    let answer = try answer(to: ownRequest("GET", "/v2/keys/_between/none"))
    return answer["x-etcd-index"].flatMap { Int64($0) } ?? 0
  }

  private func ownRequest(_ method: String, _ target: String) -> RequestTemplate {
    RequestTemplate(method, target, headers: credentials.map { [RecordedTranscript.authorization($0)] } ?? [])
  }
}

// SPDX-License-Identifier: Apache-2.0
import EtcdWire

@testable import Differential

/// Brings an answer and the recorded one into a form in which they can be compared: ids, addresses, indexes and times
/// mapped, and only the header fields that were recorded.
struct AnswerComparison {
  var ours: ServerFacts
  var recorded: ServerFacts
  /// Whether lists are compared without their order, which ids decide.
  var ignoresOrder = false
  /// Header fields that were recorded whenever they were there; nil when only those that stand in the record count.
  var recordedFields: Set<String>?

  /// Both answers as text.
  func texts(_ answer: RawAnswer, _ exchange: RecordedExchange) -> (ours: String, recorded: String) {
    var (answer, record) = (answer, exchange.answer)
    let names = Set(record.headers.map(\.name))
    if let recordedFields {
      answer.headers = answer.headers.filter { recordedFields.contains($0.name) }
    } else {
      let always = names.isEmpty ? [] : ["allow", "location"]
      answer.headers = answer.headers.filter { names.contains($0.name) || always.contains($0.name) }
    }
    if record.body.first == UInt8(ascii: "{"), !names.contains("content-type"), recordedFields == nil {
      answer.headers.append(("content-type", "application/json"))
      record.headers.append(("content-type", "application/json"))
    }
    let isSorted = exchange.request.target.contains("sorted=true")
    let isHead = exchange.request.method == "HEAD" || exchange.name.contains("/debug/vars")
    let mapped = ComparedAnswer(plain(answer, ours), of: ours, isSorted: isSorted, isHead: isHead)
    let wanted = ComparedAnswer(plain(record, recorded), of: recorded, isSorted: isSorted, isHead: isHead)
    let timesAgree = mapped.times.count == wanted.times.count && sameTTL(mapped, wanted)
    return (text(mapped, showsTimes: !timesAgree), text(wanted, showsTimes: !timesAgree))
  }

  /// The answer without line ends, which the record has lost, and with what is the server's own replaced in keys too.
  private func plain(_ answer: RawAnswer, _ server: ServerFacts) -> RawAnswer {
    var answer = answer
    while answer.body.last == 10 { answer.body.removeLast() }
    // Bodies that are no UTF-8 hold nothing of the server's own.
    guard var text = String(validating: answer.body, as: UTF8.self) else { return answer }
    for (own, placeholder) in server.replacements { text = text.replacing(own, with: placeholder) }
    answer.body = Array(text.utf8)
    return answer
  }

  private func text(_ answer: ComparedAnswer, showsTimes: Bool) -> String {
    var lines = answer.lines
    if ignoresOrder, let json = answer.json, let place = lines.firstIndex(of: json.text) {
      lines[place] = Self.ordered(json).text
    }
    if showsTimes { lines.append("times \(answer.times)") }
    return (lines + answer.escapes.map { "escape \($0)" }).joined(separator: " | ")
  }

  private static func ordered(_ value: JSONValue) -> JSONValue {
    switch value {
    case .array(let elements): .array(elements.map(ordered).sorted { $0.text < $1.text })
    case .object(let fields): .object(fields.map { JSONValue.Field($0.name, ordered($0.value)) })
    default: value
    }
  }

  /// Seconds left are the same; moments cannot be.
  private func sameTTL(_ left: ComparedAnswer, _ right: ComparedAnswer) -> Bool {
    zip(left.times, right.times).allSatisfy { ours, theirs in
      let isMoment = [ours, theirs].contains { $0 > 1_000_000_000_000_000_000 }
      return isMoment || abs(ours - theirs) <= 3_000_000_000
    }
  }
}

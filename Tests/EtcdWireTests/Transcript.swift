// SPDX-License-Identifier: Apache-2.0
import Foundation

@testable import EtcdWire

/// One recorded request to `/v2/keys` of etcd 3.4.23 with its answer.
struct Exchange {
  /// The recorded request line, which names the exchange in failures and in the list of differences.
  var command: String
  var method: String
  var target: String
  var contentType: String?
  var body = ""
  var status = 0
  /// `X-Etcd-Index`; nil when it was not recorded.
  var etcdIndex: UInt64?
  var location: String?
  var answer = ""
}

/// Reads `Fixtures/v2-transcripts.txt`, whose sections have two forms of their own.
enum Transcript {
  static let form = "application/x-www-form-urlencoded"

  static func section(_ number: String) throws -> [String] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
      path: "Fixtures/v2-transcripts.txt"
    )
    let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    guard let start = lines.firstIndex(where: { $0.hasPrefix("# \(number). ") }) else { return [] }
    let rest = lines[(start + 2)...]
    return rest.prefix { !$0.hasPrefix("####") }.map(String.init)
  }

  /// Sections 1 and 2: a curl command without its quotes, the status line, headers, an empty line, the body.
  static func curlExchanges(_ section: [String]) -> [Exchange] {
    var exchanges: [Exchange] = []
    var lines = section[...]
    while let line = lines.popFirst() {
      guard line.hasPrefix("$ curl ") else { continue }
      var command = String(line.dropFirst("$ curl ".count))
      while let next = lines.first, !next.hasPrefix("HTTP/1.1 ") {
        command += "\n" + next
        lines.removeFirst()
      }
      guard var exchange = curlRequest(command), let status = lines.popFirst() else { continue }
      exchange.status = Int(status.split(separator: " ")[1]) ?? 0
      while let header = lines.first, !header.isEmpty, !header.hasPrefix("{") {
        lines.removeFirst()
        let parts = header.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        if parts[0] == "X-Etcd-Index" { exchange.etcdIndex = UInt64(parts[1]) }
        if parts[0] == "Location" { exchange.location = parts[1] }
      }
      if lines.first?.isEmpty == true { lines.removeFirst() }
      if let answer = lines.first, answer.hasPrefix("{") { exchange.answer = answer }
      exchanges.append(exchange)
    }
    return exchanges
  }

  /// Nil for requests that are not for `/v2/keys` or not in its methods.
  private static func curlRequest(_ command: String) -> Exchange? {
    let words = command.components(separatedBy: " -").map { "-" + $0 }
    guard let start = command.range(of: "$E") else { return nil }
    let url = command[start.upperBound...].prefix { $0 != " " && $0 != "\n" }
    guard url == "/v2/keys" || url.hasPrefix("/v2/keys/") || url.hasPrefix("/v2/keys?") else { return nil }
    var exchange = Exchange(command: command, method: "GET", target: String(url))
    var form: [String] = []
    for word in words {
      if word.hasPrefix("-I ") { exchange.method = "HEAD" }
      if word.hasPrefix("-X") { exchange.method = String(word.dropFirst(2)) }
      if word.hasPrefix("-d ") { form.append(String(word.dropFirst(3))) }
      if word.hasPrefix("-F ") { exchange.contentType = "multipart/form-data; boundary=x" }
      if word.hasPrefix("-H Content-Type:") {
        exchange.contentType = word.dropFirst("-H Content-Type:".count).trimmingCharacters(in: .whitespaces)
      }
      if word.hasPrefix("--data-urlencode value=") {
        form.append("value=" + PercentCoding.encodedFormValue(String(word.dropFirst("--data-urlencode value=".count))))
      }
    }
    exchange.body = form.joined(separator: "&")
    if exchange.contentType == nil && !form.isEmpty { exchange.contentType = Self.form }
    return KeysMethod(rawValue: exchange.method) == nil ? nil : exchange
  }

  /// Section 3: `$ METHOD /key {python arguments} -> status time idx N cl N body`, cut off where it was long.
  static func pythonExchanges(_ section: [String]) throws -> [Exchange] {
    let pattern = try Regex(
      #"\$ ([A-Z]+) (/\S*) (.*) -> (\d+) [\d.]+s idx (None|\d+) cl (?:None|\d+) ?(.*)"#,
      as: (Substring, Substring, Substring, Substring, Substring, Substring, Substring).self
    )
    return try section.compactMap { line in
      guard let match = line.wholeMatch(of: pattern) else { return nil }
      let (_, method, key, arguments, status, index, answer) = match.output
      var exchange = Exchange(
        command: "\(method) \(key) \(arguments)",
        method: String(method),
        target: "/v2/keys\(key)"
      )
      guard try read(String(arguments), into: &exchange) else { return nil }
      exchange.status = Int(status) ?? 0
      exchange.etcdIndex = UInt64(index)
      exchange.answer = String(answer)
      return exchange
    }
  }

  /// Reads `{'data': {'name': 'value'}}` or `{'data': 'text', 'headers': {…}}`; false when it was cut off.
  private static func read(_ arguments: String, into exchange: inout Exchange) throws -> Bool {
    guard !arguments.isEmpty else { return true }
    guard let body = try? JSONValue.parse(arguments.replacing("'", with: "\"").utf8) else { return false }
    exchange.contentType = body["headers"]?["Content-Type"]?.string ?? Self.form
    exchange.body =
      body["data"]?.string
      ?? (body["data"]?.object ?? []).map { "\($0.name)=\($0.value.string ?? "")" }.joined(separator: "&")
    return true
  }
}

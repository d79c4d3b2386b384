// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation

/// One recorded request to a real etcd with its answer, as far as it was recorded.
struct RecordedExchange {
  /// The recorded line, which names the exchange in reports and in the table of differences.
  var name: String
  var request: RequestTemplate
  var answer = RawAnswer()
  /// The recorded host, in the sections about clusters.
  var host = ""

  /// Whether the request changed the store.
  var isWrite: Bool { answer.status < 300 && !["GET", "HEAD"].contains(request.method) }
  var index: Int64? { answer["x-etcd-index"].flatMap { Int64($0) } }
}

/// Reads the recorded transcripts, which stand beside the tests of the codec.
enum RecordedTranscript {
  private static let file = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Tests/EtcdWireTests/Fixtures/v2-transcripts.txt")

  static func section(_ number: String) throws -> [String] {
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    guard let start = lines.firstIndex(where: { $0.hasPrefix("# \(number). ") }) else { return [] }
    return lines[(start + 2)...].prefix { !$0.hasPrefix("####") }.map(String.init)
  }

  /// A section's parts by their titles (`# title`).
  static func parts(of number: String) throws -> [String: [String]] {
    var parts: [String: [String]] = [:]
    var title = ""
    for line in try section(number) {
      if line.hasPrefix("# ") { title = String(line.dropFirst(2)) } else { parts[title, default: []].append(line) }
    }
    return parts
  }

  // MARK: curl

  /// A curl command without its quotes, the status line, header fields, an empty line, the body.
  static func curlExchanges(_ section: [String]) -> [RecordedExchange] {
    var exchanges: [RecordedExchange] = []
    var lines = section[...]
    while let line = lines.popFirst() {
      guard line.hasPrefix("$ curl ") else { continue }
      var command = String(line.dropFirst("$ curl ".count))
      while let next = lines.first, !next.hasPrefix("HTTP/1.1 ") {
        command += "\n" + next
        lines.removeFirst()
      }
      var exchange = RecordedExchange(name: command, request: curlRequest(command))
      exchange.answer = answer(&lines, ends: { $0.hasPrefix("$ curl ") || $0.hasPrefix("## ") })
      exchanges.append(exchange)
    }
    return exchanges
  }

  /// Takes status line, header fields and body; empty lines at the end are the record's own.
  private static func answer(_ lines: inout ArraySlice<String>, ends isEnd: (String) -> Bool) -> RawAnswer {
    var answer = RawAnswer()
    guard let status = lines.popFirst() else { return answer }
    answer.status = Int(status.split(separator: " ").dropFirst().first ?? "") ?? 0
    while let field = lines.first, !field.isEmpty, !field.hasPrefix("{") {
      lines.removeFirst()
      let sides = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      answer.headers.append((sides[0].lowercased(), sides.count > 1 ? String(sides[1].drop { $0 == " " }) : ""))
    }
    if lines.first?.isEmpty == true { lines.removeFirst() }
    var body: [String] = []
    while let line = lines.first, !isEnd(line) {
      body.append(line)
      lines.removeFirst()
    }
    // Several recorded answers without their requests follow one section of parameters.
    if body.first?.hasPrefix("{") == true { body = [body[0]] }
    while body.last?.isEmpty == true { body.removeLast() }
    answer.body = Array(body.joined(separator: "\n").utf8)
    return answer
  }

  private static func curlRequest(_ command: String) -> RequestTemplate {
    let url = command.range(of: "$E").map { command[$0.upperBound...].prefix { $0 != " " && $0 != "\n" } } ?? ""
    var request = RequestTemplate("GET", url.isEmpty ? "/" : String(url))
    var form: [String] = []
    for word in command.components(separatedBy: " -").map({ "-" + $0 }) {
      if word.hasPrefix("-I ") { request.method = "HEAD" }
      if word.hasPrefix("-X") { request.method = String(word.dropFirst(2).prefix { $0.isLetter }) }
      if word.hasPrefix("-d ") { form.append(String(word.dropFirst(3))) }
      if word.hasPrefix("-F ") {
        request.headers.append("Content-Type: multipart/form-data; boundary=x")
        request.body = "--x\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\n1\r\n--x--\r\n"
      }
      if word.hasPrefix("-H ") { request.headers.append(String(word.dropFirst(3))) }
      if word.hasPrefix("-u ") { request.headers.append(authorization(String(word.dropFirst(3)))) }
      if word.hasPrefix("--data-urlencode value=") {
        form.append("value=" + PercentCoding.encodedFormValue(String(word.dropFirst("--data-urlencode value=".count))))
      }
    }
    guard !form.isEmpty else { return request }
    request.body = form.joined(separator: "&")
    if !request.headers.contains(where: { $0.hasPrefix("Content-Type:") }) {
      request.headers.append("Content-Type: application/x-www-form-urlencoded")
    }
    return request
  }

  /// The header field that curl makes of `-u user:password`.
  static func authorization(_ credentials: String) -> String {
    "Authorization: Basic " + Data(credentials.utf8).base64EncodedString()
  }

  // MARK: Python

  /// `$ METHOD target {python arguments} -> status time idx N cl N body`, or with the headers as a python dictionary.
  ///
  /// Nil stands for a request whose arguments were cut off when they were recorded.
  static func pythonExchanges(_ section: [String], keysBelow prefix: String) throws -> [RecordedExchange?] {
    let pattern = try Regex(
      #"\$ ([A-Z]+) (http://[^/]*)?(/\S*) (.*) -> (\d+) [\d.]+s (?:idx (None|\d+) cl (?:None|\d+)|(\{.*?\})) ?(.*)"#,
      as: (
        Substring, Substring, Substring?, Substring, Substring, Substring, Substring?, Substring?, Substring
      ).self
    )
    return try section.filter { $0.hasPrefix("$ ") }.map { line in
      guard let match = line.wholeMatch(of: pattern) else { return nil }
      let (_, method, host, target, arguments, status, index, headers, body) = match.output
      guard let request = try request(String(method), prefix + target, String(arguments)) else { return nil }
      var exchange = RecordedExchange(name: "\(method) \(target) \(arguments)", request: request)
      exchange.host = host.map { String($0.dropFirst("http://".count)) } ?? ""
      exchange.answer.status = Int(status) ?? 0
      if let index, index != "None" { exchange.answer.headers.append(("x-etcd-index", String(index))) }
      if let headers, let fields = try? JSONValue.parse(headers.replacing("'", with: "\"").utf8).object {
        exchange.answer.headers = fields.map { ($0.name.lowercased(), $0.value.string ?? "") }
      }
      exchange.answer.body = Array(body.utf8)
      return exchange
    }
  }

  private static func request(_ method: String, _ target: String, _ arguments: String) throws -> RequestTemplate? {
    var request = RequestTemplate(method, target)
    guard !arguments.isEmpty else { return request }
    guard let value = try? JSONValue.parse(arguments.replacing("'", with: "\"").utf8) else {
      guard arguments.contains("generator object") else { return nil }
      // What the generator yielded is known from the answer.
      request.headers = ["Content-Type: application/x-www-form-urlencoded"]
      request.body = "value=chunked"
      request.framing = .chunked
      return request
    }
    if let json = value["json"] {
      request.headers = ["Content-Type: application/json"]
      request.body = json.text
      return request
    }
    for field in value["headers"]?.object ?? [] { request.headers.append("\(field.name): \(field.value.string ?? "")") }
    guard let data = value["data"] else { return request }
    request.body =
      data.string ?? (data.object ?? []).map { "\($0.name)=\($0.value.string ?? "")" }.joined(separator: "&")
    if !request.headers.contains(where: { $0.hasPrefix("Content-Type:") }) {
      request.headers.append("Content-Type: application/x-www-form-urlencoded")
    }
    return request
  }
}

// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// Requests to `/v2/auth` and, with users, to keys and members, with the answers of etcd 3.4.23.
///
/// The file says itself what its lines mean.
public struct AuthTranscript: Sendable {
  /// One request and its answers.
  public struct Exchange: Sendable, CustomStringConvertible {
    /// Where it stands in the file.
    public var line: Int
    /// The method.
    public var method: String
    /// Path and query.
    public var target: String
    /// The `Authorization` header; nil for none.
    public var authorization: String?
    /// The body, if there is one.
    public var body: String?
    /// What etcd answers.
    public var original = ""
    /// What coracle answers.
    public var wanted = ""

    /// Method and target.
    public var description: String { "line \(line): \(method) \(target)" }

    /// The headers of the request, but for `Host` and the length.
    public var headers: [(String, String)] {
      var headers: [(String, String)] = []
      if let authorization { headers.append(("Authorization", authorization)) }
      if let body {
        let isForm = body.contains("=") && !body.hasPrefix("{")
        headers.append(("Content-Type", isForm ? "application/x-www-form-urlencoded" : "application/json"))
      }
      return headers
    }
  }

  /// The exchanges, in their order.
  public let exchanges: [Exchange]

  /// Reads a transcript.
  ///
  /// - Throws: When the file cannot be read.
  public init(contentsOf file: URL) throws {
    var exchanges: [Exchange] = []
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      let text = String(line.dropFirst(2))
      if line.hasPrefix("> ") {
        let words = text.split(separator: " ", maxSplits: 3).map(String.init)
        exchanges.append(
          Exchange(
            line: number + 1,
            method: words[0],
            target: words[1],
            authorization: Self.header(words[2]),
            body: words.count > 3 ? words[3] : nil
          )
        )
      } else if line.hasPrefix("< ") {
        exchanges[exchanges.count - 1].original = text
        exchanges[exchanges.count - 1].wanted = text
      } else if line.hasPrefix("= ") {
        exchanges[exchanges.count - 1].wanted = text
      }
    }
    self.exchanges = exchanges
  }

  /// An answer in the transcript's form.
  public static func line(status: Int, hasClusterID: Bool, allow: String?, body: String) -> String {
    let shown = body.replacing("\n", with: "\\n")
      .replacing(#/"(modifiedIndex|createdIndex)":\d+/#) { "\"\($0.1)\":N" }
      .replacing(#/\/\d{20}"/#, with: "/N\"")
      .replacing(#/"index":[1-9]\d*/#, with: "\"index\":N")
    let line = "\(status) \(hasClusterID ? "id" : "-") \(allow ?? "-") \(shown)"
    return line.hasSuffix(" ") ? String(line.dropLast()) : line
  }

  private static func header(_ text: String) -> String? {
    if text == "-" { return nil }
    if !text.lowercased().hasPrefix("basic="), text.contains(":") {
      return "Basic " + Data(text.utf8).base64EncodedString()
    }
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return "" }
    return text[..<equals] + " " + text[text.index(after: equals)...]
  }
}

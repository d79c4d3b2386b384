// SPDX-License-Identifier: Apache-2.0

/// A request that is sent to both servers, with marks where their indexes differ.
///
/// Shape: `«i12»` stands for index 12 of coracle and the same moment's index of etcd, `«q12»` for the name of the
/// in-order key with that index.
public struct RequestTemplate: Sendable, Equatable {
  /// How a body's end is told.
  public enum Framing: Sendable, Equatable {
    /// By its length.
    case length
    /// By chunks of a few bytes.
    case chunked
    /// By its length, sent only after a `100 Continue`… which a client need not wait for.
    case expectContinue
  }

  /// The method.
  public var method: String
  /// The target of the request line.
  public var target: String
  /// Header fields besides `Host` and those of the body.
  public var headers: [String] = []
  /// The body, if there is one.
  public var body: String?
  /// How the body's end is told.
  public var framing = Framing.length
  /// The whole request as it is sent, for what is no clean request.
  public var raw: String?

  /// Makes a request.
  public init(_ method: String, _ target: String, headers: [String] = [], body: String? = nil) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
  }

  /// Makes a request of bytes as they are.
  public init(raw: String) {
    self.raw = raw
    let words = raw.prefix { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }.split(separator: " ")
    method = words.first.map(String.init) ?? ""
    target = words.count > 1 ? String(words[1]) : ""
  }

  /// One line for a report.
  public var summary: String {
    if let raw {
      return "RAW \(raw.count > 300 ? "\(raw.prefix(300))… (\(raw.utf8.count) bytes)" : raw)".debugDescription
    }
    let fields = headers.map { " {\($0)}" }.joined()
    let text = body.map { " [\($0.count > 300 ? "\($0.prefix(300))…" : $0)]" } ?? ""
    let target = target.count > 300 ? "\(target.prefix(300))… (\(target.utf8.count) bytes)" : target
    return "\(method) \(target)\(fields)\(text)"
  }

  /// The bytes for a server whose indexes are higher than coracle's.
  public func rendered(offset: Int64) -> [UInt8] {
    if let raw { return Array(Self.replacingMarks(raw, offset: offset).utf8) }
    var text = "\(method) \(Self.replacingMarks(target, offset: offset)) HTTP/1.1\r\nHost: etcd:2379\r\n"
    for field in headers { text += field + "\r\n" }
    guard let body else { return Array((text + "\r\n").utf8) }
    let bytes = Array(Self.replacingMarks(body, offset: offset).utf8)
    switch framing {
    case .length: return Array("\(text)Content-Length: \(bytes.count)\r\n\r\n".utf8) + bytes
    case .expectContinue:
      return Array("\(text)Expect: 100-continue\r\nContent-Length: \(bytes.count)\r\n\r\n".utf8) + bytes
    case .chunked:
      var request = Array("\(text)Transfer-Encoding: chunked\r\n\r\n".utf8)
      for start in stride(from: 0, to: bytes.count, by: 7) {
        let piece = bytes[start..<min(bytes.count, start + 7)]
        request += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
      }
      return request + Array("0\r\n\r\n".utf8)
    }
  }

  /// The text with its marks replaced.
  static func replacingMarks(_ text: String, offset: Int64) -> String {
    guard text.contains("«") else { return text }
    var result = ""
    var rest = text[...]
    while let mark = rest.firstIndex(of: "«"), let end = rest[mark...].firstIndex(of: "»") {
      result += rest[..<mark]
      let kind = rest[rest.index(after: mark)]
      let index = (Int64(rest[rest.index(mark, offsetBy: 2)..<end]) ?? 0) + offset
      result += kind == "q" ? inOrderName(index) : String(index)
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  /// The name of the in-order key with an index.
  static func inOrderName(_ index: Int64) -> String {
    let digits = String(index)
    return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
  }
}

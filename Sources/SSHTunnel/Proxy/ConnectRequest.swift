// SPDX-License-Identifier: Apache-2.0

/// The head of a request to an HTTP proxy to connect somewhere.
///
/// Source: RFC 9110, section 9.3.6.
struct ConnectRequest: Equatable {
  /// Where to.
  var target: StreamTarget
  /// What the client shows the proxy, without the word `Bearer`.
  var token: String?

  /// The longest head that is read.
  static let maximumBytes = 8_192
  /// What ends the names that stand for unix sockets.
  private static let socketSuffix = ".socket.invalid"

  /// What is wrong with a head.
  enum Problem: Error {
    /// The end of the head has not come yet.
    case incomplete
    /// It is no request to connect.
    case malformed
  }

  /// Reads a head.
  ///
  /// - Returns: The request and how many bytes its head has.
  static func parse(_ bytes: [UInt8]) throws(Problem) -> (request: ConnectRequest, count: Int) {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
      throw bytes.count < maximumBytes ? .incomplete : .malformed
    }
    guard end.upperBound <= maximumBytes else { throw .malformed }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
      .split(separator: "\r\n", omittingEmptySubsequences: false)
    let words = lines[0].split(separator: " ")
    guard words.count == 3, words[0] == "CONNECT", words[2].hasPrefix("HTTP/1."), let target = target(words[1]) else {
      throw .malformed
    }
    var token: String?
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "proxy-authorization" else { continue }
      let value = parts[1].split(separator: " ")
      if value.count == 2, value[0].lowercased() == "bearer" { token = String(value[1]) }
    }
    return (ConnectRequest(target: target, token: token), end.upperBound)
  }

  private static func target(_ authority: Substring) -> StreamTarget? {
    guard let colon = authority.lastIndex(of: ":"), let port = Int(authority[authority.index(after: colon)...]),
      (1...65_535).contains(port)
    else { return nil }
    var host = authority[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else { return nil }
    return socketPath(ofHost: String(host)).map { .unix(path: $0) } ?? .tcp(host: String(host), port: port)
  }

  /// The socket that the name of a host stands for; nil for every other host.
  static func socketPath(ofHost name: String) -> String? {
    guard name.hasSuffix(socketSuffix) else { return nil }
    let text = name.dropLast(socketSuffix.count)
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, !digits.isEmpty, digits.count.isMultiple(of: 2) else { return nil }
    let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The name of a host by which a client asks the proxy for a unix socket on the server.
  static func hostName(ofSocket path: String) -> String {
    let digits = path.utf8.map { byte in
      let text = String(byte, radix: 16)
      return byte < 16 ? "0" + text : text
    }
    return digits.joined() + socketSuffix
  }
}

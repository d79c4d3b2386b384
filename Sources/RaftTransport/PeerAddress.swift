// SPDX-License-Identifier: Apache-2.0

/// Host and port of a peer URL.
struct PeerAddress: Equatable, Sendable {
  var host: String
  var port: Int

  /// Reads `http://host:port`, with an IPv6 host in brackets; a trailing slash is allowed.
  ///
  /// - Throws: ``PeerTransportError`` when the URL is anything else.
  init(url: String) throws(PeerTransportError) {
    guard let authority = Self.authority(of: url), let separator = authority.lastIndex(of: ":"),
      let port = UInt16(authority[authority.index(after: separator)...])
    else {
      throw PeerTransportError(.badURL, "peer URL \(url) is not of the form http://HOST:PORT")
    }
    var host = authority[..<separator]
    if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else {
      throw PeerTransportError(.badURL, "peer URL \(url) has no host")
    }
    self.host = String(host)
    self.port = Int(port)
  }

  private static func authority(of url: String) -> Substring? {
    let scheme = "http://"
    guard url.hasPrefix(scheme) else { return nil }
    var rest = url.dropFirst(scheme.count)
    if rest.last == "/" { rest.removeLast() }
    return rest.contains("/") ? nil : rest
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Host and port of a peer URL, and whether it asks for TLS.
struct PeerAddress: Equatable, Sendable {
  var host: String
  var port: Int
  var isSecure: Bool

  /// Reads `http://host:port` or `https://host:port`, with an IPv6 host in brackets; a trailing slash is allowed.
  ///
  /// - Throws: ``PeerTransportError`` when the URL is anything else.
  init(url: String) throws(PeerTransportError) {
    guard let (authority, isSecure) = Self.authority(of: url), let separator = authority.lastIndex(of: ":"),
      let port = UInt16(authority[authority.index(after: separator)...])
    else {
      throw PeerTransportError(.badURL, "peer URL \(url) is not of the form http://HOST:PORT or https://HOST:PORT")
    }
    var host = authority[..<separator]
    if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else {
      throw PeerTransportError(.badURL, "peer URL \(url) has no host")
    }
    self.host = String(host)
    self.port = Int(port)
    self.isSecure = isSecure
  }

  private static func authority(of url: String) -> (Substring, isSecure: Bool)? {
    guard let scheme = ["http://", "https://"].first(where: { url.hasPrefix($0) }) else { return nil }
    var rest = url.dropFirst(scheme.count)
    if rest.last == "/" { rest.removeLast() }
    return rest.contains("/") ? nil : (rest, scheme == "https://")
  }
}

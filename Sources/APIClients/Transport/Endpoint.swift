// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// Where a server is: `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix://PATH`.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// The address without trailing slash.
  public let url: String
  /// What stands before the path of a request in the client library's address.
  private(set) var base: String
  /// The `Host` header to send; nil lets the address say it.
  let hostHeader: String?

  /// Reads an address; without a scheme it is `http`, as etcdctl has it.
  ///
  /// - Throws: ``APIClientError`` naming the address.
  public init(_ text: String) throws(APIClientError) {
    var url = text.contains("://") ? text : "http://" + text
    while url.hasSuffix("/") { url.removeLast() }
    guard let separator = url.firstRange(of: "://") else {
      throw APIClientError(.badEndpoint, "\"\(text)\" is not an endpoint: nothing follows the scheme")
    }
    let scheme = url[..<separator.lowerBound]
    let rest = String(url[separator.upperBound...])
    guard !rest.isEmpty else {
      throw APIClientError(.badEndpoint, "\"\(text)\" is not an endpoint: nothing follows the scheme")
    }
    switch scheme {
    case "http", "https":
      guard !rest.contains(where: { $0 == " " || $0 == "?" || $0 == "#" }) else {
        throw APIClientError(.badEndpoint, "\"\(text)\" is not an endpoint: it must be scheme, host and port")
      }
      base = url
      hostHeader = nil
    case "unix":
      guard rest.hasPrefix("/") else {
        throw APIClientError(.badEndpoint, "\"\(text)\" is not an endpoint: a socket's path must be absolute")
      }
      base = "http+unix://" + PercentCoding.encodedFormValue(rest)
      // Without one the client library would send the path of the socket, which servers refuse.
      hostHeader = "localhost"
    default:
      throw APIClientError(.badEndpoint, "\"\(text)\" is not an endpoint: the scheme must be http, https or unix")
    }
    self.url = url
  }

  /// Reads several addresses, separated by commas.
  ///
  /// - Throws: ``APIClientError`` naming the first that is none.
  public static func list(_ text: String) throws(APIClientError) -> [Endpoint] {
    var endpoints: [Endpoint] = []
    for part in text.split(separator: ",") { endpoints.append(try Endpoint(String(part.filter { $0 != " " }))) }
    guard !endpoints.isEmpty else { throw APIClientError(.badEndpoint, "no endpoint is given") }
    return endpoints
  }

  /// Whether the server is asked over TLS.
  public var isSecure: Bool { base.hasPrefix("https://") }

  /// Whether the server is asked through a unix socket.
  public var isUnixSocket: Bool { hostHeader != nil }

  /// The socket of a `unix://` endpoint; nil for others.
  public var socketPath: String? { isUnixSocket ? String(url.dropFirst("unix://".count)) : nil }

  /// The same server, which a proxy knows by the name of a host.
  public func reached(asHost name: String) -> Endpoint {
    var endpoint = self
    endpoint.base = "http://\(name):80"
    return endpoint
  }

  /// The host and port that are connected to; nil for a unix socket without a proxy.
  var authority: (host: String, port: Int)? {
    guard base.hasPrefix("http://") || isSecure, let start = base.firstRange(of: "://")?.upperBound else { return nil }
    let text = base[start...].prefix { $0 != "/" }
    var host = text.drop { $0 == "[" }.prefix { $0 != "]" }
    var port: Int?
    if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
      port = Int(text[text.index(after: colon)...])
      if !text.hasPrefix("[") { host = text[..<colon] }
    }
    return (String(host), port ?? (isSecure ? 443 : 80))
  }

  /// The address.
  public var description: String { url }

  /// The place in the words of Go's dialer: `tcp 127.0.0.1:2379`.
  var dialled: String {
    if isUnixSocket { return "unix " + url.dropFirst("unix://".count) }
    return "tcp " + (url.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? "")
  }
}

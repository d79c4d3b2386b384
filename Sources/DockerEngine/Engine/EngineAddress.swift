// SPDX-License-Identifier: Apache-2.0

/// Where an engine listens.
enum EngineAddress: Sendable, Equatable {
  /// The path of its socket.
  case unix(String)
  /// Host name or address, IPv6 without brackets, and port.
  case tcp(String, Int)

  /// Docker's port without TLS.
  static let usualPort = 2375

  /// Reads `unix:///PATH` or `http://HOST[:PORT]`; `tcp://` means `http://`.
  ///
  /// - Throws: ``DockerEngineError/Code/badRequest``.
  init(url: String) throws(DockerEngineError) {
    if let path = Self.rest(of: url, after: "unix://"), path.hasPrefix("/") {
      self = .unix(path)
    } else if let rest = Self.rest(of: url, after: "http://") ?? Self.rest(of: url, after: "tcp://"), !rest.isEmpty {
      self = Self.tcp(rest)
    } else {
      throw DockerEngineError(.badRequest, "\"\(url)\" is no engine URL: expected unix:///PATH or http://HOST:PORT")
    }
  }

  /// What stands in `Host:`, and in a URL after its scheme.
  var host: String {
    switch self {
    case .unix: "docker"
    case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
  }

  private static func rest(of url: String, after scheme: String) -> String? {
    url.hasPrefix(scheme) ? String(url.dropFirst(scheme.count)) : nil
  }

  private static func tcp(_ text: String) -> EngineAddress {
    var host = text.prefix { $0 != "/" }
    var port = usualPort
    if let colon = host.lastIndex(of: ":"), let number = Int(host[host.index(after: colon)...]) {
      port = number
      host = host[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    return .tcp(String(host), port)
  }
}

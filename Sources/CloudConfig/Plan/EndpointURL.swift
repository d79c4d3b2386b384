// SPDX-License-Identifier: Apache-2.0

/// A URL that names a listener: scheme, host and port, no path.
///
/// Shape: `text` is the exact spelling, because member ids are made of it.
public struct EndpointURL: Sendable, Hashable, CustomStringConvertible {
  /// How the connection is made.
  public enum Scheme: String, Sendable, CaseIterable {
    case http
    case https
  }

  /// Why a text is not such a URL.
  public enum ParseError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The scheme is missing or is neither http nor https.
    case scheme(String)
    /// There is no host.
    case host(String)
    /// The port is missing or not a number from 1 to 65535.
    case port(String)
    /// Something follows the port.
    case path(String)

    /// What is wrong, naming the text.
    public var description: String {
      switch self {
      case .scheme(let text): "\"\(text)\" must begin with http:// or https://"
      case .host(let text): "\"\(text)\" has no host (is an address empty?)"
      case .port(let text): "\"\(text)\" needs a port, as in http://10.0.0.1:2379"
      case .path(let text): "\"\(text)\" must not have a path"
      }
    }
  }

  /// How the connection is made.
  public let scheme: Scheme
  /// Host name or address; IPv6 addresses without brackets.
  public let host: String
  /// TCP port.
  public let port: Int
  /// The spelling it was given in.
  public let text: String

  /// Makes a URL from its parts.
  public init(scheme: Scheme, host: String, port: Int) {
    self.scheme = scheme
    self.host = host
    self.port = port
    text = "\(scheme.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
  }

  /// Parses `http://HOST:PORT`; one slash at the end is taken and dropped.
  public init(parsing original: String) throws(ParseError) {
    guard let separator = original.firstRange(ofText: "://"),
      let scheme = Scheme(rawValue: String(original[..<separator.lowerBound]).lowercased())
    else { throw .scheme(original) }
    var authority = original[separator.upperBound...]
    if authority.last == "/" { authority = authority.dropLast() }
    guard !authority.contains(where: { "/?#@ ".contains($0) }) else { throw .path(original) }
    guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else {
      throw authority.isEmpty ? .host(original) : .port(original)
    }
    var host = authority[..<colon]
    if host.first == "[" {
      guard host.last == "]" else { throw .host(original) }
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw .host(original)
    }
    guard !host.isEmpty else { throw .host(original) }
    let digits = authority[authority.index(after: colon)...]
    guard let port = Int(digits), (1...65_535).contains(port), digits.allSatisfy({ ("0"..."9").contains($0) }) else {
      throw .port(original)
    }
    self.scheme = scheme
    self.host = String(host)
    self.port = port
    text = original.last == "/" ? String(original.dropLast()) : original
  }

  /// The spelling it was given in.
  public var description: String { text }
}

// SPDX-License-Identifier: Apache-2.0

/// Where a server listens.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A TCP port of a host name or address; port 0 lets the system choose.
  case tcp(host: String, port: Int)
  /// A unix socket at a path, with the permission bits of its file.
  case unixSocket(path: String, mode: UInt32 = 0o600)

  /// The address as an endpoint: `http://HOST:PORT` or `unix://PATH`.
  public var description: String {
    switch self {
    case .tcp(let host, let port):
      host.utf8.contains(UInt8(ascii: ":")) ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
    case .unixSocket(let path, _): "unix://\(path)"
    }
  }
}

/// Which part of the API a listener serves.
public enum APISurface: Sendable, Hashable {
  /// Everything (client URLs).
  case everything
  /// Everything, to the owner of the machine: a request that names no user may do what `root` may (control socket).
  case control
  /// Fleet's API, and how this machine's units are (`coreos.fleet.listen-urls`).
  case fleet
}

/// One listener of a server.
public struct APIListener: Sendable, Hashable {
  /// Where it listens.
  public var address: ListenAddress
  /// What it serves.
  public var surface: APISurface
  /// Whether it speaks TLS, with the server's certificate; only TCP listeners do.
  public var isSecure: Bool

  /// Makes a listener.
  public init(_ address: ListenAddress, surface: APISurface = .everything, isSecure: Bool = false) {
    self.address = address
    self.surface = surface
    self.isSecure = isSecure
  }
}

/// Where a listener turned out to be bound, with the port the system chose.
public struct BoundAddress: Sendable, Hashable {
  /// The listener as it was asked for.
  public let listener: APIListener
  /// The address it has.
  public let address: ListenAddress

  /// The address as an endpoint: `http://HOST:PORT`, `https://HOST:PORT` or `unix://PATH`.
  public var endpoint: String {
    let text = address.description
    return listener.isSecure && text.hasPrefix("http:") ? "https" + text.dropFirst("http".count) : text
  }

  /// The TCP port; nil for a unix socket.
  public var port: Int? {
    if case .tcp(_, let port) = address { port } else { nil }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// An HTTP proxy on loopback that connects through a session: clients ask it by `CONNECT`, and show it the token.
public struct SSHProxy: Sendable {
  private let door: ProxyDoor

  init(door: ProxyDoor) {
    self.door = door
  }

  /// Where it listens.
  public var host: String { "127.0.0.1" }
  /// Where it listens.
  public var port: Int { door.port }
  /// What clients show as `Proxy-Authorization: Bearer …`.
  public var token: String { door.token }

  /// The name of a host that stands for a unix socket at the server; any port will do.
  public static func hostName(ofSocket path: String) -> String { ConnectRequest.hostName(ofSocket: path) }

  /// The socket that such a name stands for; nil for every other host.
  public static func socketPath(ofHost name: String) -> String? { ConnectRequest.socketPath(ofHost: name) }

  /// Why the server could not connect to a place when it was last asked; nil when it could.
  public func failure(of target: StreamTarget) -> String? { door.failure(of: target) }
}

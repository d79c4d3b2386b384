// SPDX-License-Identifier: Apache-2.0

/// Where an SSH server listens: `HOST`, `HOST:PORT`, or `[IPV6]:PORT`.
public struct SSHAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address, without brackets.
  public var host: String
  /// The TCP port.
  public var port: Int

  /// The port of SSH servers.
  public static let defaultPort = 22

  /// Makes an address.
  public init(host: String, port: Int = SSHAddress.defaultPort) {
    self.host = host
    self.port = port
  }

  /// Reads an address.
  ///
  /// - Throws: ``SSHError`` saying what is wrong with the text.
  public init(_ text: String) throws(SSHError) {
    func refuse(_ reason: String) -> SSHError {
      SSHError(.badAddress, "\"\(text)\" is not an SSH server's address: \(reason); it must be HOST or HOST:PORT")
    }
    guard !text.contains("@") else { throw refuse("a user is named by --ssh-username") }
    guard !text.contains(where: { $0.isWhitespace || $0 == "/" }) else { throw refuse("it has a blank or a slash") }
    var host = text[...]
    var portText: Substring?
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw refuse("the bracket is not closed") }
      host = text[text.index(after: text.startIndex)..<end]
      let rest = text[text.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else { throw refuse("a colon and a port follow the bracket") }
      portText = rest.isEmpty ? nil : rest.dropFirst()
    } else if text.count(where: { $0 == ":" }) == 1, let colon = text.firstIndex(of: ":") {
      host = text[..<colon]
      portText = text[text.index(after: colon)...]
    }
    guard !host.isEmpty else { throw refuse("there is no host") }
    self.init(host: String(host))
    guard let portText else { return }
    guard let port = Int(portText), (1...65_535).contains(port) else {
      throw refuse("\"\(portText)\" is no port")
    }
    self.port = port
  }

  /// The address as `HOST:PORT`.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// How known_hosts files name it: the host alone on port 22, else `[HOST]:PORT`.
  ///
  /// Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
  var knownHostsName: String {
    let name = host.lowercased()
    return port == Self.defaultPort ? name : "[\(name)]:\(port)"
  }
}

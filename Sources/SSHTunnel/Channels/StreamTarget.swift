// SPDX-License-Identifier: Apache-2.0

/// A place that a server can connect to.
public enum StreamTarget: Sendable, Hashable, CustomStringConvertible {
  /// A host and port, as the server sees them.
  case tcp(host: String, port: Int)
  /// A unix socket on the server.
  case unix(path: String)

  /// The place in the words of Go's dialer: `tcp 127.0.0.1:2379`.
  public var description: String {
    switch self {
    case .tcp(let host, let port): "tcp \(SSHAddress(host: host, port: port))"
    case .unix(let path): "unix \(path)"
    }
  }

  /// The type of the channel that leads there.
  ///
  /// Source: RFC 4254, section 7.2; OpenSSH's PROTOCOL, section 2.4.
  var channelType: String {
    switch self {
    case .tcp: "direct-tcpip"
    case .unix: "direct-streamlocal@openssh.com"
    }
  }

  /// What is said behind the type when the channel is opened.
  var openMessage: [UInt8] {
    var writer = SSHWriter()
    switch self {
    case .tcp(let host, let port):
      writer.text(host)
      writer.number(UInt32(port))
      writer.text("127.0.0.1")
      writer.number(0)
    case .unix(let path):
      writer.text(path)
      writer.text("")
      writer.number(0)
    }
    return writer.bytes
  }

  /// The command that leads to a socket on servers which open no channel to it: ours and fleet's have it.
  var forwardingCommand: String? {
    guard case .unix(let path) = self else { return nil }
    let word = ShellWord.quoted(path)
    return "if command -v fleetctl >/dev/null 2>&1; then exec fleetctl fd-forward \(word); "
      + "else exec coracle fd-forward \(word); fi"
  }
}

/// Words of a POSIX shell's command line.
public enum ShellWord {
  /// A word that a shell takes as it is.
  public static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}

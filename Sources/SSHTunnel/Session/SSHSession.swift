// SPDX-License-Identifier: Apache-2.0
import CLibSSH2
import Glibc
import Threads

/// How sessions are opened.
public struct SSHSettings: Sendable {
  /// How to log in.
  public var login: LoginMethods
  /// How host keys are checked.
  public var hostKeys: HostKeyPolicy
  /// How long the server may take for each step: to connect, to shake hands, to log in.
  public var timeout: Duration
  /// What a person is told and asked.
  public var prompts: SSHPrompts

  /// Makes settings.
  public init(login: LoginMethods, hostKeys: HostKeyPolicy, timeout: Duration, prompts: SSHPrompts) {
    self.login = login
    self.hostKeys = hostKeys
    self.timeout = timeout
    self.prompts = prompts
  }
}

/// An open session with an SSH server, which carries many connections and commands at once.
///
/// It has a thread of its own, which ends when the session is closed.
public final class SSHSession: Sendable {
  /// The server.
  public let address: SSHAddress
  private let inbox: SessionInbox

  private init(address: SSHAddress, inbox: SessionInbox) {
    self.address = address
    self.inbox = inbox
  }

  /// Connects, checks the server's host key and logs in.
  ///
  /// - Parameters:
  ///   - address: The server.
  ///   - settings: How it is done.
  ///   - jump: A session whose server connects to this one, which this machine need not reach.
  /// - Returns: The session, which is to be closed.
  /// - Throws: ``SSHError`` saying what failed and where.
  public static func open(
    _ address: SSHAddress,
    _ settings: SSHSettings,
    through jump: SSHSession? = nil
  ) async throws(SSHError) -> SSHSession {
    let inbox = try SessionInbox()
    let socket = try await jump?.connect(to: .tcp(host: address.host, port: address.port))
    let failure = await withCheckedContinuation { (continuation: CheckedContinuation<SSHError?, Never>) in
      do throws(DedicatedThread.Refused) {
        try DedicatedThread.start(name: "ssh-session") {
          do throws(SSHError) {
            let link = try logIn(address, settings, socket: socket)
            continuation.resume(returning: nil)
            SessionLoop(link, inbox).run()
          } catch {
            continuation.resume(returning: error)
          }
        }
      } catch {
        if let socket { Glibc.close(socket) }
        continuation.resume(returning: SSHError(.local, "\(error)"))
      }
    }
    if let failure { throw failure }
    return SSHSession(address: address, inbox: inbox)
  }

  /// Connects to a place as the server sees it.
  ///
  /// - Returns: A socket of this process that speaks with that place, to be closed by the caller.
  /// - Throws: ``SSHError`` when the server cannot connect there.
  public func connect(to target: StreamTarget) async throws(SSHError) -> Int32 {
    let (outer, inner) = try UnixSocket.pair()
    let failure = await withCheckedContinuation { (continuation: CheckedContinuation<SSHError?, Never>) in
      let refusal = inbox.put(
        .stream(descriptor: inner, target: target) { continuation.resume(returning: $0) }
      )
      if let refusal {
        Glibc.close(inner)
        continuation.resume(returning: refusal)
      }
    }
    if let failure {
      Glibc.close(outer)
      throw failure
    }
    return outer
  }

  /// Runs a command, or the user's shell, until it ends.
  ///
  /// - Throws: ``SSHError`` when it cannot be started or the connection ends before it.
  public func run(_ command: RemoteCommand, _ streams: CommandStreams) async throws(SSHError) -> RemoteExit {
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<RemoteExit, SSHError>, Never>) in
      do throws(SSHError) {
        try begin(command, streams) { continuation.resume(returning: $0) }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }

  /// Starts a command and goes on; the end is told on the session's thread.
  ///
  /// - Throws: ``SSHError`` when the session has ended; then no other end is told.
  func begin(
    _ command: RemoteCommand,
    _ streams: CommandStreams,
    ended: @escaping @Sendable (Result<RemoteExit, SSHError>) -> Void
  ) throws(SSHError) {
    if let refusal = inbox.put(.run(command, streams, ended: ended)) { throw refusal }
  }

  /// Opens a proxy on loopback for HTTP clients of this process, open as long as the session is.
  ///
  /// - Throws: ``SSHError`` when loopback gives no port, or the session has ended.
  public func openProxy() throws(SSHError) -> SSHProxy {
    let door = try ProxyDoor()
    if let refusal = inbox.put(.serve(door)) {
      Glibc.close(door.descriptor)
      throw refusal
    }
    return SSHProxy(door: door)
  }

  /// Ends the session and everything that goes through it.
  public func close() async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      if inbox.put(.stop { continuation.resume() }) != nil { continuation.resume() }
    }
  }

  // MARK: Opening, on the session's thread

  private static func logIn(
    _ address: SSHAddress,
    _ settings: SSHSettings,
    socket: Int32?
  ) throws(SSHError) -> SSHLink {
    let hostKeys = HostKeyCheck(policy: settings.hostKeys, prompts: settings.prompts)
    let socket =
      if let socket { socket } else { try SocketOpener.connect(to: address, within: settings.timeout) }
    let link = try SSHLink(socket: socket, address: address)
    do throws(SSHError) {
      try shakeHands(link, preferred: try hostKeys.knownTypes(of: address), within: settings.timeout)
      try hostKeys.check(try hostKey(of: link), of: address)
      try Authenticator(link: link, methods: settings.login, prompts: settings.prompts, timeout: settings.timeout)
        .logIn()
      return link
    } catch {
      link.end()
      throw error
    }
  }

  private static let hostKeyTypes = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256",
    "ssh-rsa",
  ]

  /// The known types come first, so that a server with several keys shows the one that is known.
  private static func shakeHands(_ link: SSHLink, preferred: [String], within timeout: Duration) throws(SSHError) {
    let known = preferred.flatMap { $0 == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [$0] }
    let types = known.filter(hostKeyTypes.contains) + hostKeyTypes.filter { !known.contains($0) }
    libssh2_session_method_pref(link.handle, LIBSSH2_METHOD_HOSTKEY, types.joined(separator: ","))
    let code = try link.drive("agreeing on keys", within: timeout) {
      libssh2_session_handshake(link.handle, link.socket)
    }
    guard code != 0 else { return }
    switch code {
    case LIBSSH2_ERROR_KEX_FAILURE, LIBSSH2_ERROR_METHOD_NONE:
      throw SSHError(
        .protocolFailure,
        "\(link.address) and libssh2 \(String(cString: libssh2_version(0))) have no algorithm in common; "
          + "give the server an ED25519 or ECDSA host key"
      )
    case LIBSSH2_ERROR_BANNER_RECV, LIBSSH2_ERROR_SOCKET_DISCONNECT:
      throw SSHError(.protocolFailure, "\(link.address) does not speak SSH, or hung up: \(link.lastMessage)")
    default: throw SSHError(.protocolFailure, "cannot agree on keys with \(link.address): \(link.lastMessage)")
    }
  }

  private static func hostKey(of link: SSHLink) throws(SSHError) -> HostKey {
    var count = 0
    var type: Int32 = 0
    guard let pointer = libssh2_session_hostkey(link.handle, &count, &type),
      let key = HostKey(blob: Array(UnsafeRawBufferPointer(start: pointer, count: count)))
    else { throw SSHError(.protocolFailure, "\(link.address) shows no host key") }
    return key
  }
}

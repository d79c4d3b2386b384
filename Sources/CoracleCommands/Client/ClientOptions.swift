// SPDX-License-Identifier: Apache-2.0
import APIClients
import ArgumentParser
import Glibc
import Logging
import NIOCore
import NIOPosix
import SSHTunnel
import TransportSecurity

/// The flags of every command that talks to a node, and the clients they make.
struct ClientOptions: ParsableArguments {
  /// Where a node listens without a network port, in order of preference.
  static let controlSockets = ["/run/coracle.sock", "/var/lib/coracle/coracle.sock"]

  /// The node that is asked when nothing names another.
  static let defaultEndpoint = "http://127.0.0.1:2379"

  @Option(
    help: ArgumentHelp(
      "Nodes to ask, in order: http://, https:// or unix:// addresses.",
      discussion: """
        Default: CORACLE_ENDPOINT from the environment, else the control socket of this machine's node if there is one, \
        else \(ClientOptions.defaultEndpoint).
        """,
      valueName: "url[,url…]"
    )
  )
  var endpoint: String?

  @Option(help: ArgumentHelp("How long an answer may take, such as 5s.", valueName: "time"))
  var timeout = CommandDuration(.seconds(10))

  @Option(help: ArgumentHelp("The user, for stores with authentication.", valueName: "user[:password]"))
  var username: String?

  @OptionGroup var security: ClientSecurityOptions
  @OptionGroup var ssh: SSHOptions

  /// The endpoints to ask.
  ///
  /// - Parameters:
  ///   - environment: The variables of the process.
  ///   - isTunnelled: Whether they are those of another host, where it cannot be seen which sockets there are.
  ///   - isSocket: Whether a control socket may be asked.
  /// - Returns: The endpoints, in order.
  /// - Throws: `APIClientError` naming an address that is none.
  func endpoints(
    environment: [String: String],
    isTunnelled: Bool = false,
    isSocket: (String) -> Bool = ClientOptions.isReachableSocket
  ) throws -> [Endpoint] {
    if let endpoint { return try Endpoint.list(endpoint) }
    if let endpoint = environment["CORACLE_ENDPOINT"], !endpoint.isEmpty { return try Endpoint.list(endpoint) }
    if isTunnelled { return try [Self.defaultEndpoint, "unix://" + Self.controlSockets[0]].map { try Endpoint($0) } }
    if let socket = Self.controlSockets.first(where: isSocket) { return [try Endpoint("unix://" + socket)] }
    return [try Endpoint(Self.defaultEndpoint)]
  }

  /// Makes clients for the chosen endpoints and closes their connections afterwards.
  func withClients<Outcome>(_ body: (CommandClients) async throws -> Outcome) async throws -> Outcome {
    try await withClients { clients, _, _ in try await body(clients) }
  }

  /// Makes clients as above, and hands on what opens sessions, and the tunnel that they ask through, if there is one.
  func withClients<Outcome>(
    _ body: (CommandClients, SSHConnector, SSHSession?) async throws -> Outcome
  ) async throws -> Outcome {
    let environment = environmentVariables()
    let connector = try ssh.connector(environment: environment)
    let endpoints = try endpoints(environment: environment, isTunnelled: connector.tunnel != nil)
    let credentials = try username.map { try Credentials(flag: $0) }
    return try await connector.withTunnel { tunnel in
      try await CommandClients.with(
        endpoints: endpoints,
        credentials: credentials,
        security: security.files(environment: environment),
        timeout: timeout.duration,
        tunnel: tunnel
      ) { clients in
        try await body(clients, connector, tunnel)
      }
    }
  }

  static func isReachableSocket(_ path: String) -> Bool {
    access(path, R_OK | W_OK) == 0
  }
}

/// The clients of a command, one for each API of a node, all over the same connections.
struct CommandClients: Sendable {
  let endpoints: [Endpoint]
  let transport: HTTPTransport
  let credentials: Credentials?
  private let timeouts: (all: TimeAmount, local: TimeAmount)
  private let trace: RequestTrace?
  let etcd: EtcdClient
  let fleet: FleetClient
  let node: NodeClient

  /// How long connecting may take before the next endpoint is tried.
  private static let directTimeout = TimeAmount.seconds(1)
  /// As above, when another host connects, behind who knows what lines.
  private static let tunnelledTimeout = TimeAmount.seconds(5)

  /// Makes clients, and closes their connections when the body is done.
  ///
  /// - Parameters:
  ///   - endpoints: The nodes to ask.
  ///   - credentials: The user, for stores with authentication.
  ///   - security: What https endpoints are asked with.
  ///   - timeout: How long an answer may take.
  ///   - localTimeout: How long answers of the store may take that need no majority; nil takes `timeout`.
  ///   - trace: Hears of the requests to the store and to fleet.
  ///   - tunnel: A session through whose server all nodes are asked.
  ///   - body: What is done with them.
  /// - Returns: What the body returns.
  /// - Throws: What the body throws.
  static func with<Outcome>(
    endpoints: [Endpoint],
    credentials: Credentials? = nil,
    security: SecurityFiles = SecurityFiles(),
    timeout: Duration,
    localTimeout: Duration? = nil,
    trace: RequestTrace? = nil,
    tunnel: SSHSession? = nil,
    _ body: (CommandClients) async throws -> Outcome
  ) async throws -> Outcome {
    let transport = HTTPTransport(
      group: MultiThreadedEventLoopGroup.singleton,
      security: try security.isEmpty ? nil : ClientSecurity(files: security, logger: Logger.silent),
      connectTimeout: tunnel == nil ? directTimeout : tunnelledTimeout,
      proxy: try tunnel.map { TransportProxy(try $0.openProxy()) }
    )
    let endpoints = tunnel == nil ? endpoints : endpoints.map(\.throughTunnel)
    let timeouts = (all: TimeAmount(timeout), local: TimeAmount(localTimeout ?? timeout))
    let clients = CommandClients(endpoints, transport, credentials, timeouts, trace)
    do {
      let outcome = try await body(clients)
      await transport.shutdown()
      return outcome
    } catch {
      await transport.shutdown()
      throw error
    }
  }

  private init(
    _ endpoints: [Endpoint],
    _ transport: HTTPTransport,
    _ credentials: Credentials?,
    _ timeouts: (all: TimeAmount, local: TimeAmount),
    _ trace: RequestTrace?
  ) {
    self.endpoints = endpoints
    self.transport = transport
    self.credentials = credentials
    self.timeouts = timeouts
    self.trace = trace
    etcd = EtcdClient(
      endpoints: endpoints,
      transport: transport,
      credentials: credentials,
      requestTimeout: timeouts.all,
      localTimeout: timeouts.local,
      trace: trace
    )
    fleet = FleetClient(endpoints: endpoints, transport: transport, requestTimeout: timeouts.all, trace: trace)
    node = NodeClient(endpoints: endpoints, transport: transport, requestTimeout: timeouts.all)
  }

  /// The same clients for other endpoints.
  func moved(to endpoints: [Endpoint]) -> CommandClients {
    CommandClients(endpoints, transport, credentials, timeouts, trace)
  }
}

extension Credentials {
  /// Reads `USER[:PASSWORD]`, and asks on the terminal for a password that is missing.
  init(flag: String, prompting write: (String) -> Void = CommandOutput.standard.writeError) throws {
    let user = UserFlag(flag)
    let password = if let password = user.password { password } else { try PasswordPrompt.ask("Password: ", write) }
    self.init(username: user.name, password: password)
  }
}

// SPDX-License-Identifier: Apache-2.0
import APIClients
import ArgumentParser
import Glibc
import Logging
import NIOCore
import NIOPosix
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

  /// The endpoints to ask.
  ///
  /// - Throws: `APIClientError` naming an address that is none.
  func endpoints(
    environment: [String: String],
    isSocket: (String) -> Bool = ClientOptions.isReachableSocket
  ) throws -> [Endpoint] {
    if let endpoint { return try Endpoint.list(endpoint) }
    if let endpoint = environment["CORACLE_ENDPOINT"], !endpoint.isEmpty { return try Endpoint.list(endpoint) }
    if let socket = Self.controlSockets.first(where: isSocket) { return [try Endpoint("unix://" + socket)] }
    return [try Endpoint(Self.defaultEndpoint)]
  }

  /// Makes clients for the chosen endpoints and closes their connections afterwards.
  func withClients<Outcome>(_ body: (CommandClients) async throws -> Outcome) async throws -> Outcome {
    let environment = environmentVariables()
    return try await CommandClients.with(
      endpoints: try endpoints(environment: environment),
      credentials: username.map { Credentials(flag: $0) },
      security: security.files(environment: environment),
      timeout: timeout.duration,
      body
    )
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
  let requestTimeout: TimeAmount
  let etcd: EtcdClient
  let fleet: FleetClient
  let node: NodeClient

  /// Makes clients, and closes their connections when the body is done.
  static func with<Outcome>(
    endpoints: [Endpoint],
    credentials: Credentials? = nil,
    security: SecurityFiles = SecurityFiles(),
    timeout: Duration,
    _ body: (CommandClients) async throws -> Outcome
  ) async throws -> Outcome {
    let transport = HTTPTransport(
      group: MultiThreadedEventLoopGroup.singleton,
      security: try security.isEmpty ? nil : ClientSecurity(files: security, logger: Logger.silent)
    )
    let clients = CommandClients(endpoints, transport, credentials, TimeAmount(timeout))
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
    _ requestTimeout: TimeAmount
  ) {
    self.endpoints = endpoints
    self.transport = transport
    self.credentials = credentials
    self.requestTimeout = requestTimeout
    etcd = EtcdClient(
      endpoints: endpoints,
      transport: transport,
      credentials: credentials,
      requestTimeout: requestTimeout
    )
    fleet = FleetClient(endpoints: endpoints, transport: transport, requestTimeout: requestTimeout)
    node = NodeClient(endpoints: endpoints, transport: transport, requestTimeout: requestTimeout)
  }

  /// The same clients for other endpoints.
  func moved(to endpoints: [Endpoint]) -> CommandClients {
    CommandClients(endpoints, transport, credentials, requestTimeout)
  }
}

extension Credentials {
  /// Reads `USER[:PASSWORD]`.
  init(flag: String) {
    let parts = flag.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    self.init(username: String(parts[0]), password: parts.count > 1 ? String(parts[1]) : "")
  }
}

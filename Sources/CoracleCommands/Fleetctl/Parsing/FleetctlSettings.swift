// SPDX-License-Identifier: Apache-2.0
import APIClients
import FleetWire
import TransportSecurity

/// How fleetctl reaches the cluster.
struct FleetctlSettings: Equatable {
  /// Whom it asks.
  enum Driver: Equatable {
    /// Fleet's API.
    case api
    /// A store, whose keys it reads and writes itself.
    case store(RegistryLayout)
  }

  var driver: Driver
  /// Tried in order.
  var endpoints: [Endpoint]
  /// How long one answer may take.
  var requestTimeout: Duration
  var security: SecurityFiles
  var tellsRequests: Bool

  /// The socket of fleet's own daemon.
  static let originalSocket = "/var/run/fleet.sock"
  private static let defaultTimeout: Duration = .seconds(10)

  /// Reads the global flags and their variables.
  ///
  /// - Parameters:
  ///   - invocation: The command line.
  ///   - isSocket: Whether a socket is there and may be used.
  /// - Throws: ``CommandFailure`` naming what is wrong.
  init(
    _ invocation: FleetctlInvocation,
    isSocket: (String) -> Bool = ClientOptions.isReachableSocket
  ) throws(CommandFailure) {
    switch (invocation.value("driver") ?? "API").uppercased() {
    case "API": driver = .api
    case "ETCD":
      driver = .store(
        RegistryLayout(prefix: invocation.value("etcd-key-prefix") ?? RegistryLayout.defaultPrefix)
      )
    default:
      throw Self.failure("unrecognized driver \"\(invocation.value("driver") ?? "")\": it must be API or etcd")
    }
    if invocation.value("endpoint") == nil, Self.file(invocation.value("tunnel")) != nil {
      // Which of them the other host has is found by asking.
      let sockets = driver == .api ? ["unix://\(Self.originalSocket)"] : []
      endpoints = []
      for url in sockets + [ClientOptions.defaultEndpoint] { endpoints.append(try Self.endpoint(url)) }
    } else {
      endpoints = try Self.endpoints(invocation.value("endpoint"), asksStore: driver != .api, isSocket)
    }
    requestTimeout = invocation.duration("request-timeout").flatMap { $0 > .zero ? $0 : nil } ?? Self.defaultTimeout
    security = SecurityFiles(
      certificate: Self.file(invocation.value("cert-file")),
      key: Self.file(invocation.value("key-file")),
      trustedAuthorities: Self.file(invocation.value("ca-file"))
    )
    tellsRequests = invocation.isSet("debug")
  }

  /// An empty name is as if there were none.
  private static func file(_ name: String?) -> String? { name.flatMap { $0.isEmpty ? nil : $0 } }

  /// The endpoints given, else fleet's socket, else a control socket, else this machine's client port.
  private static func endpoints(
    _ text: String?,
    asksStore: Bool,
    _ isSocket: (String) -> Bool
  ) throws(CommandFailure) -> [Endpoint] {
    guard let text, !text.isEmpty else {
      // Fleet's socket has no store behind it.
      let sockets = (asksStore ? [] : [originalSocket]) + ClientOptions.controlSockets
      let socket = sockets.first(where: isSocket).map { "unix://\($0)" }
      return [try endpoint(socket ?? ClientOptions.defaultEndpoint)]
    }
    var endpoints: [Endpoint] = []
    for part in text.split(separator: ",") { endpoints.append(try endpoint(String(part.filter { $0 != " " }))) }
    guard !endpoints.isEmpty else { throw failure("no endpoint is given") }
    return endpoints
  }

  private static func endpoint(_ text: String) throws(CommandFailure) -> Endpoint {
    var url = text.hasPrefix("/") ? "unix://\(text)" : text
    guard let separator = url.firstRange(of: "://") else {
      throw failure("URL scheme undefined: \"\(text)\" must begin with http://, https:// or unix://")
    }
    let scheme = String(url[..<separator.lowerBound])
    let rest = String(url[separator.upperBound...])
    if scheme == "unix" || scheme == "file" {
      let host = rest.prefix { $0 != "/" }
      guard host.isEmpty else { throw failure("unable to connect to host \"\(host)\" with scheme \"\(scheme)\"") }
      url = "unix://\(rest)"
    }
    do {
      return try Endpoint(url)
    } catch {
      throw failure(error.message)
    }
  }

  private static func failure(_ message: String) -> CommandFailure {
    CommandFailure("Unable to initialize client: \(message)")
  }
}

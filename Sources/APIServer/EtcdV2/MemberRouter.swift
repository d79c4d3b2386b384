// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Meters
import NIOCore
import NIOHTTP1

/// The store's routes where the store is: on a member.
struct MemberRouter: HTTPRoute {
  let path: StorePath
  let keys: any KeysAPI
  let cluster: any ClusterAPI
  let access: AccessGuard
  let requests: RequestMetrics
  let cors: CORSHeaders
  let lines: EventLines
  /// Whether the request has come over TLS.
  var isSecure = false

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    switch path {
    case .keys:
      let sent = request.target.path.rest(after: "/v2/keys") ?? ""
      serveKey(request.target.key ?? "/", as: sent, request, exchange)
    case .members(let name):
      MembersRoute(cluster: cluster, access: access, cors: cors, name: name).serve(request, exchange)
    case .auth(let path): serveAuth(path, request, exchange)
    case .newDiscoveryToken: makeDiscoveryToken(request, exchange)
    case .noDiscoveryToken: exchange.respond(DiscoveryRoute.noToken)
    case .discovery(let token, let rest): serveDiscovery(token: token, rest: rest, request, exchange)
    case .health: serveHealth(request, exchange)
    case .machines:
      serve(request, exchange, allow: "GET,HEAD") { .text(.ok, ClusterJSON.machines(cluster.members)) }
    case .selfStatistics:
      serve(request, exchange, allow: "GET") { .json(.ok, ClusterJSON.encode(cluster.selfStatistics).text) }
    case .leaderStatistics:
      serve(request, exchange, allow: "GET") {
        guard let statistics = cluster.leaderStatistics else {
          return .json(.forbidden, #"{"message":"not current leader"}"#)
        }
        return .json(.ok, ClusterJSON.encode(statistics).text)
      }
    case .version:
      serve(request, exchange, allow: "GET") {
        let version: JSONValue = .fields([
          "etcdserver": .string(cluster.serverVersion), "etcdcluster": .string(cluster.clusterVersion),
        ])
        return .json(.ok, version.text)
      }
    case .storeStatistics:
      serve(request, exchange, allow: "GET") { .json(.ok, ClusterJSON.encode(store: cluster.metrics).text) }
    // The others are answered before the store is asked.
    case .proxyConfiguration, .metrics, .logLevel, .debugging: exchange.respond(HTTPResponse.notFound.adding(cors))
    }
  }

  private func serve(
    _ request: HTTPRequest,
    _ exchange: HTTPExchange,
    allow: String,
    answer: () -> HTTPResponse
  ) {
    let isAllowed = request.method == .GET || (request.method == .HEAD && allow.contains("HEAD"))
    var response = isAllowed ? answer() : .methodNotAllowed(allow: allow)
    response.headers.add(contentsOf: cors.headers)
    exchange.respond(response)
  }

  private func serveHealth(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard request.method == .GET else {
      return exchange.respond(HTTPResponse.methodNotAllowed(allow: "GET").adding(cors))
    }
    cluster.checkHealth { [cors, cluster, requests] isHealthy in
      (isHealthy ? requests.health.successes : requests.health.failures).add()
      var response = HTTPResponse.text(
        isHealthy ? .ok : .serviceUnavailable,
        isHealthy ? #"{"health":"true"}"# : Self.unhealthy(because: cluster.storageFailure)
      )
      response.headers.add(contentsOf: cors.headers)
      exchange.respond(response)
    }
  }

  /// The original's words, and the reason where it is this member's disk.
  private static func unhealthy(because reason: String?) -> String {
    guard let reason else { return "{\"health\":\"false\"}\n" }
    let body: JSONValue = .fields(["health": .string("false"), "reason": .string(reason)])
    return body.text + "\n"
  }

  /// A token is a directory of the store; only what discovery's clients do is let through.
  private func serveDiscovery(token: String, rest: String, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard let methods = DiscoveryRoute.methods(of: rest) else { return exchange.respond(.notFound) }
    guard methods.contains(request.method) else {
      let allow = methods.map(\.rawValue).joined(separator: ",")
      return exchange.respond(.methodNotAllowed(allow: allow))
    }
    let key = "\(DiscoveryRoute.registryKey)/\(token)\(rest)"
    let isWhole = rest.isEmpty || rest == "/"
    guard isWhole, request.method == .GET, QueryItems(request.target.query).isOn("pretty") else {
      return serveKey(rest == "/" ? String(key.dropLast()) : key, as: key, request, exchange)
    }
    let read = AuthAccess(key: key, isWrite: false, isRecursive: false)
    access.ask(request, for: read) { verdict in
      switch verdict {
      case .allowed: summarize("\(DiscoveryRoute.registryKey)/\(token)", exchange)
      case .refused: exchange.respond(HTTPResponse.insufficientCredentials.adding(cors))
      case .busy: exchange.respond(HTTPResponse.internalServerError.adding(cors))
      }
    }
  }

  /// Tells people about a token.
  private func summarize(_ directory: String, _ exchange: HTTPExchange) {
    keys.perform(.read(key: directory, KeysRead(quorum: true))) { [keys, cors] result in
      guard case .success(let members) = result else {
        let text = "there is no such discovery token; one is made by /discovery/new?size=N\n"
        return exchange.respond(HTTPResponse.text(.notFound, text).adding(cors))
      }
      keys.perform(.read(key: "\(directory)/_config/size", KeysRead())) { result in
        let size = (try? result.get())?.event.node.value
        let summary = DiscoverySummary(directory: members.event.node, size: size)
        exchange.respond(HTTPResponse.text(.ok, summary.text).adding(cors))
      }
    }
  }

  /// A new token is a write below the registry's key, and needs the permission for one.
  private func makeDiscoveryToken(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    let write = AuthAccess(key: "\(DiscoveryRoute.registryKey)/", isWrite: true, isRecursive: false)
    access.ask(request, for: write) { verdict in
      switch verdict {
      case .allowed: DiscoveryRoute(keys: keys, isSecure: isSecure).serve(request, exchange)
      case .refused: exchange.respond(HTTPResponse.insufficientCredentials.adding(cors))
      case .busy: exchange.respond(HTTPResponse.internalServerError.adding(cors))
      }
    }
  }

  private func serveAuth(_ path: AuthPath, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard let auth = access.auth else { return exchange.respond(.notFound) }
    AuthRoute(auth: auth, cluster: cluster, access: access, cors: cors, path: path).serve(request, exchange)
  }

  private func serveKey(_ key: String, as sent: String, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    let clusterID = cluster.clusterID
    KeysRoute(
      keys: keys,
      key: key,
      sentKey: sent,
      access: access,
      clusterID: clusterID,
      requests: requests,
      cors: cors,
      lines: lines,
      upkeep: DiscoveryUpkeep.directory(ofMember: key).map { DiscoveryUpkeep(keys: keys, directory: $0) }
    )
    .serve(request, exchange)
  }
}

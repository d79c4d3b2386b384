// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOHTTP1

/// The store's routes where the store is: on a member.
struct MemberRouter: HTTPRoute {
  let path: StorePath
  let keys: any KeysAPI
  let cluster: any ClusterAPI
  let cors: CORSHeaders
  let lines: EventLines

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    switch path {
    case .keys: serveKey(request.target.key ?? "/", request, exchange)
    case .members(let name): MembersRoute(cluster: cluster, cors: cors, name: name).serve(request, exchange)
    case .newDiscoveryToken: DiscoveryRoute(keys: keys).serve(request, exchange)
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
    case .storeStatistics, .proxyConfiguration: exchange.respond(.notFound)
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
    guard request.method == .GET else { return exchange.respond(.methodNotAllowed(allow: "GET")) }
    cluster.checkHealth { [cors] isHealthy in
      var response = HTTPResponse.text(
        isHealthy ? .ok : .serviceUnavailable,
        isHealthy ? #"{"health":"true"}"# : "{\"health\":\"false\"}\n"
      )
      response.headers.add(contentsOf: cors.headers)
      exchange.respond(response)
    }
  }

  /// A token is a directory of the store; only what discovery's clients do is let through.
  private func serveDiscovery(token: String, rest: String, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard let methods = DiscoveryRoute.methods(of: rest) else { return exchange.respond(.notFound) }
    guard methods.contains(request.method) else {
      let allow = methods.map(\.rawValue).joined(separator: ",")
      return exchange.respond(.methodNotAllowed(allow: allow))
    }
    serveKey("\(DiscoveryRoute.registryKey)/\(token)\(rest)", request, exchange)
  }

  private func serveKey(_ key: String, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    KeysRoute(keys: keys, key: key, clusterID: cluster.clusterID, cors: cors, lines: lines).serve(request, exchange)
  }
}

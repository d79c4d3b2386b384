// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOHTTP1

/// Finds the route of a path for one kind of listener.
struct APIRouter: HTTPRoute {
  let ports: APIPorts
  let surface: APISurface
  private let lines = EventLines()

  init(ports: APIPorts, surface: APISurface) {
    self.ports = ports
    self.surface = surface
  }

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    if let location = request.target.redirect {
      return exchange.respond(Self.redirect(to: location, method: request.method))
    }
    let state = ports.current
    let path = request.target.path
    if FleetRoute.serves(path) || surface == .fleet {
      FleetRoute(fleet: state.fleet, pageLimit: state.fleetPageLimit).serve(request, exchange)
    } else if path.isAtOrBelow("/coracle/v1") {
      let isLocal = QueryItems(request.target.query).isOn("local")
      let inspection = isLocal ? state.localInspection : state.inspection
      NodeRoute(store: state.store, inspection: inspection).serve(request, exchange)
    } else {
      serveStore(request, exchange, state)
    }
  }

  private func serveStore(_ request: HTTPRequest, _ exchange: HTTPExchange, _ state: APIPorts.State) {
    guard let path = StorePath(request.target.path) else { return exchange.respond(.notFound) }
    let origin = state.corsOrigins.isEmpty ? nil : request.headers.first(name: "origin")
    let cors = CORSHeaders(origins: state.corsOrigins, origin: origin)
    if request.method == .OPTIONS {
      return exchange.respond(HTTPResponse(.ok, headers: cors.headers))
    }
    switch state.store {
    case .starting:
      exchange.respond(.json(.serviceUnavailable, #"{"message":"the node has not joined its cluster yet"}"#))
    case .worker(let forwarder):
      if path == .proxyConfiguration {
        exchange.respond(.json(.ok, JSONValue.fields(["endpoints": .strings(forwarder.endpoints)]).text))
      } else {
        ForwardingRoute(forwarder: forwarder).serve(request, exchange)
      }
    case .member(let keys, let cluster):
      MemberRouter(path: path, keys: keys, cluster: cluster, cors: cors, lines: lines).serve(request, exchange)
    }
  }

  /// The answer to a path that is not clean, with the body Go gives to browsers alone.
  private static func redirect(to location: String, method: HTTPMethod) -> HTTPResponse {
    var response = HTTPResponse(.movedPermanently, headers: ["Location": location])
    if method == .GET || method == .HEAD {
      response.headers.add(name: "Content-Type", value: "text/html; charset=utf-8")
    }
    if method == .GET {
      let address = location.escapedForHTML
      response.body = ByteBuffer(string: "<a href=\"\(address)\">Moved Permanently</a>.\n\n")
    }
    return response
  }
}

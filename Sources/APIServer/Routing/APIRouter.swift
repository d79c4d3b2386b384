// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOHTTP1

/// Finds the route of a path for one kind of listener.
struct APIRouter: HTTPRoute {
  let ports: APIPorts
  let surface: APISurface
  /// Whether its listener speaks TLS.
  let isSecure: Bool
  private let lines = EventLines()

  init(ports: APIPorts, surface: APISurface, isSecure: Bool = false) {
    self.ports = ports
    self.surface = surface
    self.isSecure = isSecure
  }

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    let state = ports.current
    let path = request.target.path
    if let location = request.target.redirect {
      let origins = surface == .fleet ? [] : state.corsOrigins
      let cors = CORSHeaders(origins: origins, origin: request.headers.first(name: "origin"))
      if request.method == .OPTIONS { return exchange.respond(HTTPResponse(.ok, headers: cors.headers)) }
      return exchange.respond(Self.redirect(to: location, method: request.method).adding(cors))
    }
    // A machine without client URLs is asked about its units here.
    let isOfUnits = path.isAtOrBelow("/coracle/v1/units") || path == "/coracle/v1/journal"
    let isFleets = surface == .fleet && !isOfUnits
    if FleetRoute.serves(path) || isFleets {
      let route = FleetRoute(fleet: state.fleet, pageLimit: state.fleetPageLimit)
      guard path == "/metrics", route.isReady else { return route.serve(request, exchange) }
      metrics(state, CORSHeaders(origins: [], origin: nil)).serve(request, exchange)
    } else if OperationsRoute.serves(path) {
      OperationsRoute(operations: state.operations).serve(request, exchange)
    } else if path.isAtOrBelow("/coracle/v1") {
      let isLocal = QueryItems(request.target.query).isOn("local")
      if path == "/coracle/v1/journal" {
        return JournalRoute(journals: isLocal ? state.localJournals : state.journals).serve(request, exchange)
      }
      let inspection = isLocal ? state.localInspection : state.inspection
      NodeRoute(store: state.store, inspection: inspection).serve(request, exchange)
    } else {
      serveStore(request, exchange, state)
    }
  }

  private func serveStore(_ request: HTTPRequest, _ exchange: HTTPExchange, _ state: APIPorts.State) {
    let origin = state.corsOrigins.isEmpty ? nil : request.headers.first(name: "origin")
    let cors = CORSHeaders(origins: state.corsOrigins, origin: origin)
    if case .worker(let forwarder) = state.store, forwarder.isReadOnly, request.method != .GET {
      return exchange.respond(HTTPResponse(.notImplemented))
    }
    if request.method == .OPTIONS {
      return exchange.respond(HTTPResponse(.ok, headers: cors.headers))
    }
    switch StorePath(request.target.path) {
    case nil: exchange.respond(HTTPResponse.notFound.adding(cors))
    case .metrics: metrics(state, cors).serve(request, exchange)
    case .logLevel: LogLevelRoute(setLevel: state.setLogLevel, cors: cors).serve(request, exchange)
    case .debugging(.profile) where !state.servesProfiles: exchange.respond(HTTPResponse.notFound.adding(cors))
    case .debugging(let question):
      DebugRoute(question: question, store: state.store, cors: cors).serve(request, exchange)
    case let path?: serveStore(path, request, exchange, state, cors)
    }
  }

  private func metrics(_ state: APIPorts.State, _ cors: CORSHeaders) -> MetricsRoute {
    MetricsRoute(
      store: state.store,
      engine: state.engineMetrics,
      requests: ports.requests,
      proxied: ports.proxied,
      cors: cors
    )
  }

  /// Serves what only the store can answer.
  private func serveStore(
    _ path: StorePath,
    _ request: HTTPRequest,
    _ exchange: HTTPExchange,
    _ state: APIPorts.State,
    _ cors: CORSHeaders
  ) {
    switch state.store {
    case .starting:
      let message = #"{"message":"the node has not joined its cluster yet"}"#
      exchange.respond(HTTPResponse.json(.serviceUnavailable, message).adding(cors))
    case .worker(let forwarder):
      if path == .proxyConfiguration {
        let endpoints = JSONValue.fields(["endpoints": .strings(forwarder.availableEndpoints)]).text
        exchange.respond(HTTPResponse.text(.ok, endpoints).adding(cors))
      } else {
        ForwardingRoute(forwarder: forwarder, proxied: ports.proxied, cors: cors).serve(request, exchange)
      }
    case .member(let keys, let cluster, let auth):
      let access = AccessGuard(auth: auth, isOwner: surface == .control)
      MemberRouter(
        path: path,
        keys: keys,
        cluster: cluster,
        access: access,
        requests: ports.requests,
        cors: cors,
        lines: lines,
        isSecure: isSecure
      )
      .serve(request, exchange)
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

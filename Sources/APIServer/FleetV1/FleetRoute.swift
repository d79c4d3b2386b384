// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire
import NIOCore
import NIOHTTP1

/// `/fleet/v1/…` and `/v1-alpha/…`: fleet's API.
///
/// Source: fleet v1.0.0 `api/`; specs/fleet.md §2.
struct FleetRoute: HTTPRoute {
  /// The API; nil while the machine has not registered, and then every path answers 503.
  let fleet: (any FleetAPI)?
  /// Entries in one page of a listing (`coreos.fleet.token-limit`).
  let pageLimit: Int

  /// Whether the machine has registered and its store answers.
  var isReady: Bool {
    guard let fleet else { return false }
    do {
      try fleet.checkReady()
      return true
    } catch {
      return false
    }
  }

  /// Whether a path of a listener that serves everything belongs to fleet.
  static func serves(_ path: String) -> Bool {
    path.isAtOrBelow("/fleet") || path.isAtOrBelow("/v1-alpha")
  }

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard let fleet else { return exchange.respond(Self.response(to: .storeUnreachable)) }
    exchange.respond {
      do throws(FleetAPIError) {
        return try await answer(request, fleet)
      } catch {
        return Self.response(to: error)
      }
    }
  }

  private func answer(_ request: HTTPRequest, _ fleet: any FleetAPI) async throws(FleetAPIError) -> HTTPResponse {
    try await fleet.waitUntilReady()
    switch FleetPath(request.target.path) {
    case .discovery: return try Self.discovery(request)
    case .machines: return try await machines(request, fleet)
    case .units: return try await units(request, fleet)
    case .unit(let name): return try await Self.unit(name, request, fleet)
    case .states: return try await states(request, fleet)
    case .unitState(let name): return try await Self.unitState(name, request, fleet)
    case .root: throw .methodNotAllowed("")
    case nil: throw .notFound("")
    }
  }

  private static func discovery(_ request: HTTPRequest) throws(FleetAPIError) -> HTTPResponse {
    guard request.method == .GET else { throw .badRequest("only HTTP GET supported against this resource") }
    return json(FleetDiscoveryDocument.json)
  }

  private func machines(
    _ request: HTTPRequest,
    _ fleet: any FleetAPI
  ) async throws(FleetAPIError) -> HTTPResponse {
    switch request.method {
    case .GET:
      let page = try page(of: request)
      return Self.json(page.json("machines", try await fleet.machines(), \.json))
    case .PATCH:
      try Self.checkSize(request)
      let operations = try MachineMetadataOperation.operations(body: request.body.readableBytesView)
      try await fleet.patchMachines(operations)
      return HTTPResponse(.noContent, headers: ["Content-Type": "application/json", "Server": Self.server])
    default: throw .methodNotAllowed("only GET and PATCH supported against this resource")
    }
  }

  private func units(
    _ request: HTTPRequest,
    _ fleet: any FleetAPI
  ) async throws(FleetAPIError) -> HTTPResponse {
    guard request.method == .GET else { throw .methodNotAllowed("only GET supported against this resource") }
    let page = try page(of: request)
    return Self.json(page.json("units", try await fleet.units(), \.json))
  }

  private static func unit(
    _ name: String,
    _ request: HTTPRequest,
    _ fleet: any FleetAPI
  ) async throws(FleetAPIError) -> HTTPResponse {
    switch request.method {
    case .GET: return json(try await fleet.unit(named: name).json)
    case .PUT:
      try checkSize(request)
      let contentTypes = request.headers["content-type"]
      let body = try FleetUnitRequest(body: request.body.readableBytesView, contentTypes: contentTypes)
      switch try await fleet.putUnit(named: name, body) {
      case .created: return HTTPResponse(.created, headers: ["Server": server])
      case .changed: return HTTPResponse(.noContent, headers: ["Server": server])
      }
    case .DELETE:
      try await fleet.destroyUnit(named: name)
      return HTTPResponse(.noContent, headers: ["Server": server])
    default: throw .methodNotAllowed("only GET, PUT and DELETE supported against this resource")
    }
  }

  private func states(
    _ request: HTTPRequest,
    _ fleet: any FleetAPI
  ) async throws(FleetAPIError) -> HTTPResponse {
    guard request.method == .GET else { throw .methodNotAllowed("only GET supported against this resource") }
    let page = try page(of: request)
    let query = QueryItems(request.target.query)
    let filter = FleetStateFilter(machineID: query["machineID"], unitName: query["unitName"])
    return Self.json(page.json("states", try await fleet.states(matching: filter), \.json))
  }

  private static func unitState(
    _ name: String,
    _ request: HTTPRequest,
    _ fleet: any FleetAPI
  ) async throws(FleetAPIError) -> HTTPResponse {
    guard request.method == .GET else { throw .methodNotAllowed("only GET supported against this resource") }
    if let unitState = try await fleet.states(matching: FleetStateFilter(unitName: name)).first {
      return json(unitState.json)
    }
    // fleetctl 1.0.0 crashes when it is told 404 here; an empty state it takes as "not yet" (specs/fleet.md §9.4).
    let isFleetctl = request.headers.first(name: "user-agent")?.hasPrefix("google-api-go-client") ?? false
    guard isFleetctl else { throw .notFound("unit state does not exist") }
    return json(.object([]))
  }

  private func page(of request: HTTPRequest) throws(FleetAPIError) -> FleetPage {
    try FleetPage(tokens: QueryItems(request.target.query).values(of: "nextPageToken"), limit: pageLimit)
  }

  private static func checkSize(_ request: HTTPRequest) throws(FleetAPIError) {
    if request.bodyIsTooLarge { throw .badRequest("unable to decode body: it is too large") }
  }

  /// What real fleet calls itself; nothing reads it, but it shows in transcripts.
  private static let server = "fleetd/1.0.0"

  private static func json(_ value: JSONValue) -> HTTPResponse {
    response(.ok, value)
  }

  private static func response(to error: FleetAPIError) -> HTTPResponse {
    response(HTTPResponseStatus(statusCode: error.httpStatus), error.json)
  }

  private static func response(_ status: HTTPResponseStatus, _ value: JSONValue) -> HTTPResponse {
    HTTPResponse(
      status,
      headers: ["Content-Type": "application/json", "Server": server],
      body: ByteBuffer(bytes: value.serialized())
    )
  }
}

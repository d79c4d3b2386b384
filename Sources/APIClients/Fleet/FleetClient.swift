// SPDX-License-Identifier: Apache-2.0
import EtcdWire
public import FleetWire
public import NIOCore
import NIOHTTP1

/// Fleet's API behind HTTP: coracle's own, or a real fleet.
public final class FleetClient: FleetAPI {
  /// Pages that are read of one listing, far beyond what 16-bit tokens can number.
  private static let maximumPages = 100_000

  private let pool: EndpointPool
  private let timeout: TimeAmount

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - endpoints: Servers, tried in order; at least one.
  ///   - transport: The connections, which outlive the client.
  ///   - requestTimeout: How long an answer's head may take.
  ///   - trace: Hears of each request.
  public init(
    endpoints: [Endpoint],
    transport: HTTPTransport,
    requestTimeout: TimeAmount = .seconds(10),
    trace: RequestTrace? = nil
  ) {
    pool = EndpointPool(endpoints, transport: transport, trace: trace)
    timeout = requestTimeout
  }

  /// The machines that are present.
  ///
  /// - Throws: ``FleetAPIError``; 503 also when no endpoint can be reached.
  public func machines() async throws(FleetAPIError) -> [FleetMachine] {
    try await list("machines", field: "machines").compactMap { FleetMachine(json: $0) }
  }

  /// Changes dynamic metadata of machines.
  ///
  /// - Throws: ``FleetAPIError``.
  public func patchMachines(_ operations: [MachineMetadataOperation]) async throws(FleetAPIError) {
    // The same operations in the same order lead to the same metadata.
    _ = try await send(.PATCH, "machines", body: .array(operations.map(\.json)), isRepeatable: true)
  }

  /// All units.
  ///
  /// - Throws: ``FleetAPIError``.
  public func units() async throws(FleetAPIError) -> [FleetUnit] {
    try await list("units", field: "units").compactMap { FleetUnit(json: $0) }
  }

  /// One unit.
  ///
  /// - Throws: ``FleetAPIError``, 404 when there is none of that name.
  public func unit(named name: String) async throws(FleetAPIError) -> FleetUnit {
    let answer = try await send(.GET, "units/" + PercentCoding.encodedFormValue(name), isRepeatable: true)
    guard let unit = FleetUnit(json: answer) else { throw .failed("the server answered no unit") }
    return unit
  }

  /// Creates or replaces a unit, or changes its desired state.
  ///
  /// - Throws: ``FleetAPIError``.
  public func putUnit(
    named name: String,
    _ request: FleetUnitRequest
  ) async throws(FleetAPIError) -> FleetUnitPutOutcome {
    var status = HTTPResponseStatus.ok
    // A second time it finds what the first time made, and sets the state it has.
    let isRepeatable = !request.desiredState.isEmpty
    let path = "units/" + PercentCoding.encodedFormValue(name)
    _ = try await send(.PUT, path, body: request.json, isRepeatable: isRepeatable, status: &status)
    return status == .created ? .created : .changed
  }

  /// Removes a unit.
  ///
  /// - Throws: ``FleetAPIError``, 404 when there is none of that name.
  public func destroyUnit(named name: String) async throws(FleetAPIError) {
    _ = try await send(.DELETE, "units/" + PercentCoding.encodedFormValue(name))
  }

  /// The published states of units.
  ///
  /// - Throws: ``FleetAPIError``.
  public func states(matching filter: FleetStateFilter) async throws(FleetAPIError) -> [FleetUnitState] {
    var query: [String] = []
    if let id = filter.machineID { query.append("machineID=" + PercentCoding.encodedFormValue(id)) }
    if let name = filter.unitName { query.append("unitName=" + PercentCoding.encodedFormValue(name)) }
    return try await list("state", query: query, field: "states").compactMap { FleetUnitState(json: $0) }
  }

  /// Reads a listing page by page.
  private func list(
    _ path: String,
    query: [String] = [],
    field: String
  ) async throws(FleetAPIError) -> [JSONValue] {
    var entries: [JSONValue] = []
    var token = ""
    for _ in 0..<Self.maximumPages {
      let pageQuery = token.isEmpty ? query : query + ["nextPageToken=" + PercentCoding.encodedFormValue(token)]
      let suffix = pageQuery.isEmpty ? "" : "?" + pageQuery.joined(separator: "&")
      let page = try await send(.GET, path + suffix, isRepeatable: true)
      entries += page[field]?.array ?? []
      token = page["nextPageToken"]?.string ?? ""
      if token.isEmpty { return entries }
    }
    throw .failed("the listing of \(path) has no end")
  }

  private func send(
    _ method: HTTPMethod,
    _ path: String,
    body: JSONValue? = nil,
    isRepeatable: Bool = false
  ) async throws(FleetAPIError) -> JSONValue {
    var status = HTTPResponseStatus.ok
    return try await send(method, path, body: body, isRepeatable: isRepeatable, status: &status)
  }

  private func send(
    _ method: HTTPMethod,
    _ path: String,
    body: JSONValue?,
    isRepeatable: Bool,
    status: inout HTTPResponseStatus
  ) async throws(FleetAPIError) -> JSONValue {
    var request = OutgoingRequest(method: method, target: "/fleet/v1/" + path)
    request.headTimeout = timeout
    request.isRepeatable = isRepeatable
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = ByteBuffer(bytes: body.serialized())
    }
    let answer = try await FleetAnswer.send(request, through: pool)
    status = answer.status
    return try FleetAnswer.json(answer)
  }
}

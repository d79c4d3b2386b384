// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire
import NIOCore
import NIOHTTP1

/// `/coracle/v1/rolls…` and `/coracle/v1/rebalancing`: what fleet never had.
///
/// - `GET /coracle/v1/rolls`, `GET /coracle/v1/rolls/<name>`
/// - `POST /coracle/v1/rolls`: begins one (201)
/// - `POST /coracle/v1/rolls/<name>/pause`, `…/resume`, `…/rollback`
/// - `GET /coracle/v1/rebalancing[?plan=true]`; `POST` begins one; `PUT` sets whether one begins by itself: `{"automatic":true}` (204)
///
/// Errors have fleet's body.
struct OperationsRoute: HTTPRoute {
  let operations: (any ClusterOperationsAPI)?

  static func serves(_ path: String) -> Bool {
    path.isAtOrBelow("/coracle/v1/rolls") || path == "/coracle/v1/rebalancing"
  }

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    exchange.respond {
      do throws(FleetAPIError) {
        guard let operations else { throw .unavailable("the node does not run units yet") }
        guard !request.bodyIsTooLarge else { throw .badRequest("unable to decode body: it is too large") }
        let parts = request.target.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(3)
        return try await answer(request, parts.map(String.init), operations)
      } catch {
        return .json(HTTPResponseStatus(statusCode: error.httpStatus), error.json.text)
      }
    }
  }

  private func answer(
    _ request: HTTPRequest,
    _ parts: [String],
    _ operations: any ClusterOperationsAPI
  ) async throws(FleetAPIError) -> HTTPResponse {
    switch (parts.count, request.method) {
    case (1, .GET) where parts[0] == "rolls":
      let rolls = try await operations.rolls()
      return .json(.ok, JSONValue.fields(["rolls": .array(rolls.map(\.json))]).text)
    case (1, .POST) where parts[0] == "rolls":
      let body = try RollRequest(body: request.body.readableBytesView)
      return .json(.created, try await operations.beginRoll(body).json.text)
    case (2, .GET):
      return .json(.ok, try await operations.roll(of: parts[1]).json.text)
    case (3, .POST):
      guard let change = RollChange(rawValue: parts[2]) else { throw .notFound("no such resource") }
      return .json(.ok, try await operations.changeRoll(of: parts[1], change).json.text)
    case (1, .GET):
      let withPlan = QueryItems(request.target.query).isOn("plan")
      return .json(.ok, try await operations.rebalancing(withPlan: withPlan).json.text)
    case (1, .POST):
      return .json(.accepted, try await operations.beginRebalancing().json.text)
    case (1, .PUT) where parts[0] == "rebalancing":
      guard let isAutomatic = (try? JSONValue.parse(request.body.readableBytesView))?["automatic"]?.bool else {
        throw .badRequest("unable to decode body: expect {\"automatic\":true} or false")
      }
      try await operations.setRebalancesAutomatically(isAutomatic)
      return HTTPResponse(.noContent)
    case (1...3, _): throw .methodNotAllowed("this resource does not take \(request.method)")
    default: throw .notFound("no such resource")
    }
  }
}

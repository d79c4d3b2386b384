// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire
import NIOCore
import NIOHTTP1

/// What answers with fleet's error bodies have in common.
enum FleetAnswer {
  /// Sends a request.
  ///
  /// - Throws: ``FleetAPIError/unreachable(_:)`` when there is no answer.
  static func send(_ request: OutgoingRequest, through pool: EndpointPool) async throws(FleetAPIError) -> IncomingAnswer
  {
    do throws(APIClientError) {
      return try await pool.send(request)
    } catch {
      throw unreachable(error, request, pool.endpoints)
    }
  }

  /// What is told when no endpoint answered, as Go's clients tell it: `Get http://h:1/x: dial tcp h:1: …`.
  static func unreachable(
    _ error: APIClientError,
    _ request: OutgoingRequest,
    _ endpoints: [Endpoint]
  ) -> FleetAPIError {
    let reasons = error.failures.isEmpty ? [error.message] : error.failures
    guard endpoints.count == 1, let endpoint = endpoints.first else {
      return .unreachable("no endpoint answers: " + reasons.joined(separator: "; "))
    }
    return .unreachable("\(request.method.rawValue.capitalizedWord) \(endpoint)\(request.target): \(reasons[0])")
  }

  /// The body of a success, `null` when it has none.
  static func json(_ answer: IncomingAnswer) throws(FleetAPIError) -> JSONValue {
    let body = answer.body.readableBytes == 0 ? .null : try? JSONValue.parse(answer.body.readableBytesView)
    guard (200..<300).contains(answer.status.code) else { throw error(in: answer, body: body) }
    guard let body else { throw .failed("\(answer.endpoint) answered no JSON: \(answer.excerpt)") }
    return body
  }

  private static func error(in answer: IncomingAnswer, body: JSONValue?) -> FleetAPIError {
    let status = Int(answer.status.code)
    let error = FleetAPIError(httpStatus: status, body: body)
    return error.message.isEmpty ? .unexplained(httpStatus: status, body: answer.excerpt) : error
  }
}

extension String {
  /// `GET` as `Get`.
  fileprivate var capitalizedWord: String { prefix(1) + dropFirst().lowercased() }
}

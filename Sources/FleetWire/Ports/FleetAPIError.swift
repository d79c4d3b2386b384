// SPDX-License-Identifier: Apache-2.0

/// An answer of fleet's API that is not a success: `{"error":{"code":…,"message":…}}`.
///
/// Source: specs/fleet.md §2.
public enum FleetAPIError: Error, Sendable, Equatable, CustomStringConvertible {
  /// 400: the request is wrong.
  case badRequest(String)
  /// 404: no such unit, state or path.
  case notFound(String)
  /// 405: the path does not take this method.
  case methodNotAllowed(String)
  /// 409: the request does not fit what is stored.
  case conflict(String)
  /// 415: the body's type is not JSON.
  case unsupportedMediaType(String)
  /// 500: something failed here.
  case failed(String)
  /// 503: the machine has not registered in the store, or has lost it.
  case unavailable(String)
  /// Any other status a server may send.
  case other(httpStatus: Int, message: String)
  /// An answer that is no success and does not say why in fleet's form, with its body as it came.
  case unexplained(httpStatus: Int, body: String)
  /// No server could be asked, or none answered: why.
  case unreachable(String)

  /// Makes an error from what an error body says.
  public init(httpStatus: Int, message: String) {
    switch httpStatus {
    case 400: self = .badRequest(message)
    case 404: self = .notFound(message)
    case 405: self = .methodNotAllowed(message)
    case 409: self = .conflict(message)
    case 415: self = .unsupportedMediaType(message)
    case 500: self = .failed(message)
    case 503: self = .unavailable(message)
    default: self = .other(httpStatus: httpStatus, message: message)
    }
  }

  /// The status line's number, and the `code` of the body.
  public var httpStatus: Int {
    switch self {
    case .badRequest: 400
    case .notFound: 404
    case .methodNotAllowed: 405
    case .conflict: 409
    case .unsupportedMediaType: 415
    case .failed: 500
    case .unavailable, .unreachable: 503
    case .other(let status, _), .unexplained(let status, _): status
    }
  }

  /// The `message` of the body; never empty from our own server.
  public var message: String {
    switch self {
    case .badRequest(let message), .notFound(let message), .methodNotAllowed(let message), .conflict(let message),
      .unsupportedMediaType(let message), .failed(let message), .unavailable(let message), .other(_, let message),
      .unreachable(let message):
      message
    case .unexplained(let status, let body): "got HTTP response code \(status) with body: \(body)"
    }
  }

  /// Status and message, as Go's client library for Google's APIs prints them.
  public var description: String {
    switch self {
    case .unexplained, .unreachable: message
    case .badRequest, .notFound, .methodNotAllowed, .conflict, .unsupportedMediaType, .failed, .unavailable, .other:
      "Error \(httpStatus): \(message)"
    }
  }

  /// Whether a server answered, so that the error is its own.
  public var isAnswer: Bool {
    if case .unreachable = self { false } else { true }
  }

  /// 404 for a unit nobody created.
  public static let unitDoesNotExist = FleetAPIError.notFound("unit does not exist")
  /// 503 while there is no store to talk to.
  public static let storeUnreachable = FleetAPIError.unavailable("fleet server unable to communicate with etcd")
}

// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import NIOCore
import NIOHTTP1

/// `/v2/auth`: users, roles, and whether they count.
///
/// Source: etcd v3.4.23 `etcdserver/api/v2http/client_auth.go`; specs/etcd-v2.md §13.
struct AuthRoute: HTTPRoute {
  let auth: any AuthAPI
  let cluster: any ClusterAPI
  let access: AccessGuard
  let cors: CORSHeaders
  let path: AuthPath

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard cluster.clusterVersion != "not_decided" else {
      let message = "Not capable of accessing auth feature during rolling upgrades."
      return exchange.respond(plain(Self.message(.internalServerError, message)))
    }
    guard path != .invalid else { return exchange.respond(plain(Self.message(.badRequest, "Invalid path"))) }
    let methods = path.methods
    guard methods.contains(request.method) else {
      let allow = methods.map(\.rawValue).joined(separator: ",")
      return exchange.respond(plain(.methodNotAllowed(allow: allow)))
    }
    if path == .enable, request.method == .GET { return answer(request, exchange) }
    access.askForRoot(request) { verdict in
      switch verdict {
      case .allowed: answer(request, exchange)
      case .refused: exchange.respond(plain(.insufficientCredentials))
      case .busy: exchange.respond(plain(.internalServerError))
      }
    }
  }

  private func answer(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    switch (path, request.method) {
    case (.enable, .GET): finish(json: .fields(["enabled": .bool(auth.isAuthEnabled)]), exchange)
    case (.enable, .PUT): change(.enable, exchange)
    case (.enable, _): change(.disable, exchange)
    case (.list(let kind), _): list(kind, request, exchange)
    case (.item(let kind, let name), .GET): show(kind, name, request, exchange)
    case (.item(let kind, let name), .PUT): put(kind, name, request, exchange)
    case (.item(.users, let name), _): change(.deleteUser(name), exchange)
    case (.item(.roles, let name), _): change(.deleteRole(name), exchange)
    case (.invalid, _): exchange.respond(.notFound)
    }
  }

  // MARK: Reads

  private func list(_ kind: AuthPath.Kind, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard request.target.hasWellFormedQuery else { return finish(.internalServerError, exchange) }
    let state = auth.authState
    switch kind {
    case .roles: finish(json: .fields(["roles": .array(state.allRoles.map(AuthJSON.encode))]), exchange)
    case .users:
      // Roles that are not there are passed over here, and only here.
      let users = state.allUsers.map { user in
        AuthJSON.encode(user.name, roles: (user.roles ?? []).compactMap { state.role($0) })
      }
      finish(json: .fields(["users": users.isEmpty ? .null : .array(users)]), exchange)
    }
  }

  private func show(_ kind: AuthPath.Kind, _ name: String, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    let state = auth.authState
    do throws(AuthError) {
      switch kind {
      case .roles: finish(json: AuthJSON.encode(try state.existingRole(name)), exchange)
      case .users:
        let user = try state.existingUser(name)
        guard request.target.hasWellFormedQuery else { return finish(.internalServerError, exchange) }
        var roles: [AuthRole] = []
        for role in user.roles ?? [] { roles.append(try state.existingRole(role)) }
        finish(json: AuthJSON.encode(name, roles: roles), exchange)
      }
    } catch {
      finish(Self.refusal(error), exchange)
    }
  }

  // MARK: Changes

  private func put(_ kind: AuthPath.Kind, _ name: String, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    let body = request.bodyIsTooLarge ? [] : Array(request.body.readableBytesView)
    let (change, named, noun): (AuthRequest, String, String)
    switch kind {
    case .users:
      guard let user = AuthJSON.decodeUserRequest(body) else { return finish(Self.invalidJSON, exchange) }
      (change, named, noun) = (.putUser(user), user.name, "User")
    case .roles:
      guard let role = AuthJSON.decodeRole(body) else { return finish(Self.invalidJSON, exchange) }
      (change, named, noun) = (.putRole(role), role.name, "Role")
    }
    guard named.utf8.elementsEqual(name.utf8) else {
      let message = "\(noun) JSON name does not match the name in the URL"
      return finish(Self.message(.badRequest, message), exchange)
    }
    self.change(change, exchange)
  }

  private func change(_ change: AuthRequest, _ exchange: HTTPExchange) {
    auth.changeAuth(change) { result in
      switch result {
      case .success(.done): finish(HTTPResponse(.ok, headers: ["Content-Type": "application/json"]), exchange)
      case .success(.user(let user, let wasCreated)):
        finish(json: AuthJSON.encode(user), status: wasCreated ? .created : .ok, exchange)
      case .success(.role(let role, let wasCreated)):
        finish(json: AuthJSON.encode(role), status: wasCreated ? .created : .ok, exchange)
      case .failure(.refused(let error)): finish(Self.refusal(error), exchange)
      case .failure(.failed): finish(.internalServerError, exchange)
      }
    }
  }

  // MARK: Answers

  private static let invalidJSON = message(.badRequest, "Invalid JSON in request body.")

  private static func refusal(_ error: AuthError) -> HTTPResponse {
    message(HTTPResponseStatus(statusCode: Int(error.kind.rawValue)), error.message)
  }

  private static func message(_ status: HTTPResponseStatus, _ text: String) -> HTTPResponse {
    .json(status, JSONValue.fields(["message": .string(text)]).text)
  }

  private func finish(json body: JSONValue, status: HTTPResponseStatus = .ok, _ exchange: HTTPExchange) {
    finish(.json(status, body.text + "\n"), exchange)
  }

  /// Answers what was let through, with the cluster's number.
  private func finish(_ response: HTTPResponse, _ exchange: HTTPExchange) {
    var response = plain(response)
    response.headers.add(name: "X-Etcd-Cluster-Id", value: String(cluster.clusterID, radix: 16))
    exchange.respond(response)
  }

  private func plain(_ response: HTTPResponse) -> HTTPResponse {
    var response = response
    response.headers.add(contentsOf: cors.headers)
    return response
  }
}

extension AuthPath {
  fileprivate var methods: [HTTPMethod] {
    switch self {
    case .list: [.GET]
    case .enable, .item, .invalid: [.GET, .PUT, .DELETE]
    }
  }
}

extension HTTPResponse {
  /// The answer of members' and users' routes to whom they do not serve; keys have their own.
  static let insufficientCredentials = HTTPResponse.json(.unauthorized, #"{"message":"Insufficient credentials"}"#)
  /// The answer of the same routes when the cluster did not answer.
  static let internalServerError = HTTPResponse.json(.internalServerError, #"{"message":"Internal Server Error"}"#)
}

// SPDX-License-Identifier: Apache-2.0
public import EtcdStore
public import EtcdWire
import NIOCore
import NIOHTTP1

/// A user as a server shows it.
public struct AuthUserRecord: Sendable, Equatable {
  /// The user's name.
  public var name: String
  /// Its roles; servers that tell only their names leave the permissions empty.
  public var roles: [AuthRole]

  /// Makes a record.
  public init(name: String, roles: [AuthRole] = []) {
    self.name = name
    self.roles = roles
  }
}

/// Users, roles and their switch.
///
/// A refusal is thrown as ``APIClientError/Code-swift.enum/refused(status:)`` with the server's own words as message,
/// such as `auth: User u does not exist.`; 401 is `Insufficient credentials`.
extension EtcdClient {
  /// Whether requests need permission.
  ///
  /// - Throws: ``APIClientError``.
  public func isAuthEnabled() async throws(APIClientError) -> Bool {
    let answer = try await ask(.GET, "/v2/auth/enable")
    guard let isEnabled = try json(answer)["enabled"]?.bool else { throw Self.unexpected(answer) }
    return isEnabled
  }

  /// Lets requests need permission from now on; there must be a user `root`.
  ///
  /// - Throws: ``APIClientError``, 409 when it is so already.
  public func enableAuth() async throws(APIClientError) {
    try await ask(.PUT, "/v2/auth/enable")
  }

  /// Lets requests need no permission any more.
  ///
  /// - Throws: ``APIClientError``, 409 when it is so already.
  public func disableAuth() async throws(APIClientError) {
    try await ask(.DELETE, "/v2/auth/enable")
  }

  // MARK: Users

  /// All users, in the order of their names.
  ///
  /// - Throws: ``APIClientError``.
  public func users() async throws(APIClientError) -> [AuthUserRecord] {
    let answer = try await ask(.GET, "/v2/auth/users")
    return (try json(answer)["users"]?.array ?? []).compactMap(Self.user)
  }

  /// One user.
  ///
  /// - Throws: ``APIClientError``, 404 when there is none, or one of its roles is not there.
  public func user(_ name: String) async throws(APIClientError) -> AuthUserRecord {
    let answer = try await ask(.GET, Self.path("users", name))
    guard let user = Self.user(try json(answer)) else { throw Self.unexpected(answer) }
    return user
  }

  /// Makes a user, changes its password, or grants and revokes roles, as the request says.
  ///
  /// - Returns: The user with the names of its roles.
  /// - Throws: ``APIClientError``.
  @discardableResult
  public func putUser(_ request: AuthUserRequest) async throws(APIClientError) -> AuthUserRecord {
    let answer = try await ask(.PUT, Self.path("users", request.name), AuthJSON.encode(request))
    guard let user = Self.user(try json(answer)) else { throw Self.unexpected(answer) }
    return user
  }

  /// Removes a user.
  ///
  /// - Throws: ``APIClientError``, 404 when there is none, 403 for `root` while users count.
  public func deleteUser(_ name: String) async throws(APIClientError) {
    try await ask(.DELETE, Self.path("users", name))
  }

  // MARK: Roles

  /// All roles, in the order of their names.
  ///
  /// - Throws: ``APIClientError``.
  public func roles() async throws(APIClientError) -> [AuthRole] {
    let answer = try await ask(.GET, "/v2/auth/roles")
    return (try json(answer)["roles"]?.array ?? []).compactMap(Self.role)
  }

  /// One role.
  ///
  /// - Throws: ``APIClientError``, 404 when there is none.
  public func role(_ name: String) async throws(APIClientError) -> AuthRole {
    let answer = try await ask(.GET, Self.path("roles", name))
    guard let role = Self.role(try json(answer)) else { throw Self.unexpected(answer) }
    return role
  }

  /// Makes a role, or grants and revokes permissions, as the request says.
  ///
  /// - Returns: The role as it stands now.
  /// - Throws: ``APIClientError``.
  @discardableResult
  public func putRole(_ request: AuthRole) async throws(APIClientError) -> AuthRole {
    let answer = try await ask(.PUT, Self.path("roles", request.name), AuthJSON.encode(request))
    guard let role = Self.role(try json(answer)) else { throw Self.unexpected(answer) }
    return role
  }

  /// Removes a role.
  ///
  /// - Throws: ``APIClientError``, 404 when there is none.
  public func deleteRole(_ name: String) async throws(APIClientError) {
    try await ask(.DELETE, Self.path("roles", name))
  }

  // MARK: Asking

  @discardableResult
  private func ask(
    _ method: HTTPMethod,
    _ target: String,
    _ body: JSONValue? = nil
  ) async throws(APIClientError) -> IncomingAnswer {
    var request = OutgoingRequest(method: method, target: target)
    request.headTimeout = requestTimeout
    request.isRepeatable = method == .GET
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = ByteBuffer(bytes: body.serialized())
    }
    let answer = try await pool.send(request)
    guard answer.status == .ok || answer.status == .created else { throw Self.refusal(answer) }
    return answer
  }

  /// The server's own words, when it has some.
  private static func refusal(_ answer: IncomingAnswer) -> APIClientError {
    guard let message = (try? JSONValue.parse(answer.body.readableBytesView))?["message"]?.string else {
      return unexpected(answer)
    }
    return APIClientError(.refused(status: Int(answer.status.code)), message)
  }

  private static func path(_ kind: String, _ name: String) -> String {
    "/v2/auth/\(kind)/" + PercentCoding.encodedPath(name)
  }

  /// A user whose roles are objects (reads) or names (changes, and etcd 2.0).
  private static func user(_ json: JSONValue) -> AuthUserRecord? {
    guard let name = json["user"]?.string else { return nil }
    return AuthUserRecord(name: name, roles: (json["roles"]?.array ?? []).compactMap(role))
  }

  private static func role(_ json: JSONValue) -> AuthRole? {
    json.string.map { AuthRole(name: $0) } ?? AuthJSON.decodeRole(json)
  }
}

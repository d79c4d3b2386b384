// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// The texts of users and roles, with fields and order of etcd's structs.
///
/// Source: etcd v3.4.23 `etcdserver/api/v2auth/auth.go`, `etcdserver/api/v2http/client_auth.go`; specs §13.
public enum AuthJSON {
  // MARK: Encoding

  /// A role: `{"role":…,"permissions":{"kv":{"read":…,"write":…}}}`, and what a request adds or takes away.
  public static func encode(_ role: AuthRole) -> JSONValue {
    var fields: [JSONValue.Field] = [
      .init("role", .string(role.name)), .init("permissions", encode(role.permissions)),
    ]
    if let grant = role.grant { fields.append(.init("grant", encode(grant))) }
    if let revoke = role.revoke { fields.append(.init("revoke", encode(revoke))) }
    return .object(fields)
  }

  /// A request to make or change a user, as clients send it.
  public static func encode(_ request: AuthUserRequest) -> JSONValue {
    var fields: [JSONValue.Field] = [.init("user", .string(request.name))]
    if !request.password.isEmpty { fields.append(.init("password", .string(request.password))) }
    fields.append(.init("roles", list(request.roles)))
    if !request.grant.isEmpty { fields.append(.init("grant", .strings(request.grant))) }
    if !request.revoke.isEmpty { fields.append(.init("revoke", .strings(request.revoke))) }
    return .object(fields)
  }

  /// A user with the names of its roles, as changes are answered.
  public static func encode(_ user: AuthUser) -> JSONValue {
    .fields(["user": .string(user.name), "roles": list(user.roles)])
  }

  /// A user with its roles themselves, as reads are answered; `roles` is left out when there are none.
  public static func encode(_ name: String, roles: [AuthRole]) -> JSONValue {
    var fields: [JSONValue.Field] = [.init("user", .string(name))]
    if !roles.isEmpty { fields.append(.init("roles", .array(roles.map(encode)))) }
    return .object(fields)
  }

  private static func encode(_ permissions: AuthPermissions) -> JSONValue {
    .fields(["kv": .fields(["read": list(permissions.read), "write": list(permissions.write)])])
  }

  private static func list(_ texts: [String]?) -> JSONValue {
    texts.map { .strings($0) } ?? .null
  }

  // MARK: Decoding

  /// Reads a request to make or change a user; nil when the body is none.
  public static func decodeUserRequest(_ body: some Sequence<UInt8>) -> AuthUserRequest? {
    guard let json = try? JSONValue.parseFirst(body) else { return nil }
    var (name, password): (String?, String?) = ("", "")
    var (roles, grant, revoke): ([String]?, [String]?, [String]?)
    let isRead = GoStruct.read(json) { field, value in
      switch field {
      case "user": GoStruct.take(value, into: &name)
      case "password": GoStruct.take(value, into: &password)
      case "roles": GoStruct.take(value, into: &roles)
      case "grant": GoStruct.take(value, into: &grant)
      case "revoke": GoStruct.take(value, into: &revoke)
      default: true
      }
    }
    guard isRead, let name, let password else { return nil }
    return AuthUserRequest(name: name, password: password, roles: roles, grant: grant ?? [], revoke: revoke ?? [])
  }

  /// Reads a role, or a request to make or change one; nil when the body is none.
  public static func decodeRole(_ body: some Sequence<UInt8>) -> AuthRole? {
    (try? JSONValue.parseFirst(body)).flatMap(decodeRole)
  }

  /// Reads a role; nil when the value is none.
  public static func decodeRole(_ json: JSONValue) -> AuthRole? {
    var name: String? = ""
    var permissions: AuthPermissions? = AuthPermissions()
    var (grant, revoke): (AuthPermissions?, AuthPermissions?)
    let isRead = GoStruct.read(json) { field, value in
      switch field {
      case "role": return GoStruct.take(value, into: &name)
      case "permissions": return value == .null || take(value, into: &permissions)
      case "grant": return take(value, into: &grant)
      case "revoke": return take(value, into: &revoke)
      default: return true
      }
    }
    guard isRead, let name, let permissions else { return nil }
    return AuthRole(name: name, permissions: permissions, grant: grant, revoke: revoke)
  }

  private static func take(_ json: JSONValue, into permissions: inout AuthPermissions?) -> Bool {
    guard json != .null else {
      permissions = nil
      return true
    }
    var taken = permissions ?? AuthPermissions()
    defer { permissions = taken }
    return GoStruct.read(json) { field, value in
      guard field == "kv" else { return true }
      return GoStruct.read(value) { field, value in
        switch field {
        case "read": GoStruct.take(value, into: &taken.read)
        case "write": GoStruct.take(value, into: &taken.write)
        default: true
        }
      }
    }
  }
}

/// How Go's `encoding/json` fills a struct: names in any case, `null` leaves what is there, a wrong type is an error.
private enum GoStruct {
  /// Hands each field to `take` by its name in lower case; false when the value is no object or a field does not fit.
  static func read(_ json: JSONValue, _ take: (String, JSONValue) -> Bool) -> Bool {
    if json == .null { return true }
    guard let fields = json.object else { return false }
    return fields.allSatisfy { take($0.name.lowercased(), $0.value) }
  }

  static func take(_ json: JSONValue, into text: inout String?) -> Bool {
    if json == .null { return true }
    text = json.string
    return text != nil
  }

  /// A list of texts, of which `null` is an empty one; `null` in its place is no list.
  static func take(_ json: JSONValue, into texts: inout [String]?) -> Bool {
    texts = nil
    if json == .null { return true }
    guard let elements = json.array else { return false }
    var taken: [String] = []
    for element in elements {
      guard let text = element == .null ? "" : element.string else { return false }
      taken.append(text)
    }
    texts = taken
    return true
  }
}

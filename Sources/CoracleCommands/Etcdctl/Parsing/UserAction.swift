// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// A command on the users.
///
/// Source: etcd v3.4.23 `etcdctl/ctlv2/command/user_commands.go`.
enum UserAction: Equatable {
  case list
  case get(String)
  /// The password stands behind a colon, or is asked for.
  case add(String, password: String?)
  case remove(String)
  case grant(String, roles: [String])
  case revoke(String, roles: [String])
  case changePassword(String)

  /// Reads the arguments of `user NAME`.
  ///
  /// - Throws: ``EtcdctlUsageError``.
  init(_ name: String, _ flags: EtcdctlFlags) throws(EtcdctlUsageError) {
    guard name != "list" else {
      guard flags.arguments.isEmpty else {
        throw EtcdctlUsageError(message: "No arguments accepted", form: .bare)
      }
      self = .list
      return
    }
    let roles = flags.all("roles")
    if name == "grant" || name == "revoke", roles.isEmpty {
      throw EtcdctlUsageError(message: "No roles specified; please use `--roles`", form: .bare)
    }
    guard flags.arguments.count == 1, let user = flags.arguments.first else {
      throw EtcdctlUsageError(message: "Please provide a username", form: .bare)
    }
    // The original's flag takes one role each time; its documentation shows them with commas between.
    let names = roles.flatMap { $0.split(separator: ",").map(String.init) }
    switch name {
    case "get": self = .get(user)
    case "add":
      let credentials = UserFlag(user)
      self = .add(credentials.name, password: credentials.password)
    case "remove": self = .remove(user)
    case "grant": self = .grant(user, roles: names)
    case "revoke": self = .revoke(user, roles: names)
    default: self = .changePassword(user)
    }
  }
}

/// `USER[:PASSWORD]`.
struct UserFlag: Equatable {
  var name: String
  /// Nil when there is no colon.
  var password: String?

  init(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts[0])
    password = parts.count > 1 ? String(parts[1]) : nil
  }
}

/// A command on the roles.
///
/// Source: etcd v3.4.23 `etcdctl/ctlv2/command/role_commands.go`.
enum RoleAction: Equatable {
  case list
  case get(String)
  case add(String)
  case remove(String)
  case grant(String, AuthPermissions)
  case revoke(String, AuthPermissions)

  /// Reads the arguments of `role NAME`.
  ///
  /// - Throws: ``EtcdctlUsageError``.
  init(_ name: String, _ flags: EtcdctlFlags) throws(EtcdctlUsageError) {
    guard name != "list" else {
      guard flags.arguments.isEmpty else {
        throw EtcdctlUsageError(message: "No arguments accepted", form: .bare)
      }
      self = .list
      return
    }
    let permissions = name == "grant" || name == "revoke" ? try Self.permissions(flags) : AuthPermissions()
    guard flags.arguments.count == 1, let role = flags.arguments.first else {
      throw EtcdctlUsageError(message: "Please provide a role name", form: .bare)
    }
    switch name {
    case "get": self = .get(role)
    case "add": self = .add(role)
    case "remove": self = .remove(role)
    case "grant": self = .grant(role, permissions)
    default: self = .revoke(role, permissions)
    }
  }

  private static func permissions(_ flags: EtcdctlFlags) throws(EtcdctlUsageError) -> AuthPermissions {
    let path = flags["path"] ?? ""
    guard !path.isEmpty else {
      throw EtcdctlUsageError(message: "No path specified; please use `--path`", form: .bare)
    }
    let canonical = canonicalPath(path)
    guard path == canonical else {
      throw EtcdctlUsageError(message: "Not canonical path; please use `--path=\(canonical)`", form: .bare)
    }
    let (reads, writes, both) = (flags.isSet("read"), flags.isSet("write"), flags.isSet("readwrite"))
    guard [reads, writes, both].filter({ $0 }).count == 1 else {
      let message = "Please specify exactly one of --read, --write or --readwrite"
      throw EtcdctlUsageError(message: message, form: .bare)
    }
    return AuthPermissions(read: reads || both ? [path] : nil, write: writes || both ? [path] : nil)
  }

  /// A key as it is, rooted and clean, with the slash at its end if there is one.
  ///
  /// Source: etcd v3.4.23 `pkg/pathutil/path.go`.
  private static func canonicalPath(_ path: String) -> String {
    let cleaned = NodeKey.cleaned(path)
    return path.hasSuffix("/") && cleaned != NodeKey.root ? cleaned + "/" : cleaned
  }
}

// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdStore
import EtcdWire

/// The commands on users, roles and their switch.
///
/// Source: etcd v3.4.23 `etcdctl/ctlv2/command/user_commands.go`, `role_commands.go`, `auth_commands.go`.
extension EtcdctlSession {
  func run(_ action: UserAction, _ etcd: EtcdClient) async -> Int32 {
    await telling { () async throws(APIClientError) in
      switch action {
      case .list:
        for user in try await etcd.users() { output.line(user.name) }
      case .get(let name):
        let user = try await etcd.user(name)
        // The original reads the roles twice, first as names that they are not, and prints a space for each of those.
        let blanks = String(repeating: " ", count: user.roles.count)
        output.line("User: \(user.name)\nRoles: \(blanks)\(user.roles.map(\.name).joined(separator: " "))")
      case .add(let name, let password):
        let password = if let password { password } else { try newPassword() }
        try await etcd.putUser(AuthUserRequest(name: name, password: password))
        output.line("User \(name) created")
      case .remove(let name):
        try await etcd.deleteUser(name)
        output.line("User \(name) removed")
      case .grant(let name, let roles):
        try await etcd.putUser(AuthUserRequest(name: name, grant: roles))
        output.line("User \(name) updated")
      case .revoke(let name, let roles):
        try await etcd.putUser(AuthUserRequest(name: name, revoke: roles))
        output.line("User \(name) updated")
      case .changePassword(let name):
        try await etcd.putUser(AuthUserRequest(name: name, password: try newPassword()))
        output.line("Password updated")
      }
    }
  }

  func run(_ action: RoleAction, _ etcd: EtcdClient) async -> Int32 {
    await telling { () async throws(APIClientError) in
      switch action {
      case .list:
        for role in try await etcd.roles() { output.line(role.name) }
      case .get(let name):
        let role = try await etcd.role(name)
        output.line("Role: \(role.name)\nKV Read:")
        for pattern in role.permissions.read ?? [] { output.line("\t\(pattern)") }
        output.line("KV Write:")
        for pattern in role.permissions.write ?? [] { output.line("\t\(pattern)") }
      case .add(let name):
        guard (try? await etcd.role(name)) == nil else {
          throw APIClientError(.refused(status: 409), "Role \(name) already exists")
        }
        try await etcd.putRole(AuthRole(name: name))
        output.line("Role \(name) created")
      case .remove(let name):
        try await etcd.deleteRole(name)
        output.line("Role \(name) removed")
      case .grant(let name, let permissions):
        _ = try await etcd.role(name)
        try await etcd.putRole(AuthRole(name: name, grant: permissions))
        output.line("Role \(name) updated")
      case .revoke(let name, let permissions):
        _ = try await etcd.role(name)
        try await etcd.putRole(AuthRole(name: name, revoke: permissions))
        output.line("Role \(name) updated")
      }
    }
  }

  func setAuthentication(_ enabled: Bool, _ etcd: EtcdClient) async -> Int32 {
    await telling { () async throws(APIClientError) in
      if enabled { try await etcd.enableAuth() } else { try await etcd.disableAuth() }
      output.line("Authentication \(enabled ? "Enabled" : "Disabled")")
    }
  }

  private func newPassword() throws(APIClientError) -> String {
    do throws(PasswordPrompt.Failure) {
      return try PasswordPrompt.ask("New password: ", output.write)
    } catch {
      throw APIClientError(.badEndpoint, "Error reading password: \(error)")
    }
  }

  private func telling(_ body: () async throws(APIClientError) -> Void) async -> Int32 {
    do throws(APIClientError) {
      try await body()
      return KeyValueExit.done
    } catch {
      output.reportBare(error.message)
      return KeyValueExit.badArguments
    }
  }
}

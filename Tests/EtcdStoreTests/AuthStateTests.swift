// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import EtcdStore

/// The rules of users and roles; the words are those of etcd 3.4.23 (specs/etcd-v2.md §13).
struct AuthStateTests {
  private var state = AuthState()

  /// Applies changes that must pass.
  private func applied(_ changes: AuthChange..., to state: AuthState = AuthState()) throws -> AuthState {
    var state = state
    for change in changes { _ = try state.apply(change) }
    return state
  }

  private func refusal(_ change: AuthChange, of state: AuthState) -> AuthError? {
    var state = state
    let before = state
    do throws(AuthError) {
      _ = try state.apply(change)
      return nil
    } catch {
      #expect(state == before, "a refused change changes nothing")
      return error
    }
  }

  private static func user(
    _ name: String,
    _ password: String? = "p",
    roles: [String]? = nil,
    grant: [String] = [],
    revoke: [String] = []
  ) -> AuthChange {
    let hash = password.map { Array($0.utf8) }
    return .putUser(AuthUserChange(name: name, passwordHash: hash, roles: roles, grant: grant, revoke: revoke))
  }

  // MARK: The switch

  @Test func `enabling needs a user root, makes the guest, and happens once`() throws {
    #expect(
      refusal(.enable, of: state) == AuthError(.conflict, "No root user available, please create one")
    )
    let on = try applied(Self.user("root"), .enable)
    #expect(on.isEnabled)
    #expect(on.role("guest") == .openGuest)
    #expect(refusal(.enable, of: on)?.description == "auth: already enabled")
    #expect(refusal(.disable, of: state)?.description == "auth: already disabled")
    #expect(try !applied(.disable, to: on).isEnabled)
  }

  @Test func `enabling leaves a guest that is there as it is`() throws {
    let guest = AuthRole(name: "guest", permissions: AuthPermissions(read: ["/public/*"]))
    #expect(try applied(Self.user("root"), .putRole(guest), .enable).role("guest") == guest)
  }

  @Test func `root cannot be deleted while users count`() throws {
    let on = try applied(Self.user("root"), .enable)
    let error = refusal(.deleteUser("root"), of: on)
    #expect(error == AuthError(.forbidden, "Cannot delete root user while auth is enabled."))
    #expect(try applied(.disable, .deleteUser("root"), to: on).user("root") == nil)
  }

  // MARK: Users

  @Test func `a user is made by a password, and by roles only once`() throws {
    var state = state
    #expect(
      try state.apply(Self.user("u")) == .user(AuthUser(name: "u", passwordHash: [0x70]), wasCreated: true)
    )
    #expect(
      refusal(Self.user("u", roles: ["r"]), of: state) == AuthError(.conflict, "User u already exists.")
    )
    let withRoles = try state.apply(Self.user("v", roles: ["b", "a", "b"]))
    #expect(withRoles == .user(AuthUser(name: "v", passwordHash: [0x70], roles: ["b", "a", "b"]), wasCreated: false))
    #expect(
      refusal(Self.user("w", nil), of: state)
        == AuthError(.badRequest, "Cannot create user w with an empty password")
    )
  }

  @Test func `a password alone changes it, and nothing is no change`() throws {
    var state = try applied(Self.user("u", roles: ["r"]))
    #expect(
      try state.apply(Self.user("u", "q"))
        == .user(AuthUser(name: "u", passwordHash: [0x71], roles: ["r"]), wasCreated: false)
    )
    #expect(
      refusal(Self.user("u", nil), of: state)
        == AuthError(.badRequest, "User not updated. Use grant/revoke/password to update the user.")
    )
  }

  @Test func `roles are granted and revoked, sorted by their bytes`() throws {
    var state = try applied(Self.user("u", roles: ["z", "a", "a"]))
    let changed = try state.apply(Self.user("u", nil, grant: ["é", "B"], revoke: ["a"]))
    #expect(changed == .user(AuthUser(name: "u", passwordHash: [0x70], roles: ["B", "z", "é"]), wasCreated: false))
    #expect(
      refusal(Self.user("u", nil, grant: ["z"]), of: state)
        == AuthError(.conflict, "Granting duplicate role z for user u")
    )
    #expect(
      refusal(Self.user("u", nil, revoke: ["a"]), of: state)
        == AuthError(.conflict, "Revoking ungranted role a for user u")
    )
    #expect(
      refusal(Self.user("none", nil, grant: ["a"]), of: state) == AuthError(.notFound, "User none does not exist.")
    )
    let both = refusal(Self.user("u", nil, roles: ["q"], grant: ["q"]), of: state)
    #expect(both?.description == "User JSON contains both roles and grant/revoke")
    #expect(refusal(.deleteUser("none"), of: state) == AuthError(.notFound, "User none does not exist"))
  }

  @Test func `root always has the role root`() throws {
    var state = try applied(Self.user("root", roles: ["a"]))
    #expect(state.user("root")?.roles == ["a", "root"])
    _ = try state.apply(Self.user("root", nil, revoke: ["root"]))
    #expect(state.user("root")?.roles == ["a", "root"])
    #expect(refusal(Self.user("root", nil, grant: ["root"]), of: state)?.kind == .conflict)
  }

  @Test func `names go by their bytes, not by what they look like`() throws {
    let state = try applied(Self.user("\u{E9}"), Self.user("e\u{301}", "q"))
    #expect(state.allUsers.count == 2)
    #expect(state.user("\u{E9}")?.passwordHash == [0x70])
  }

  // MARK: Roles

  @Test func `a role is made as it was sent, and once`() throws {
    var state = state
    let role = AuthRole(name: "r", permissions: AuthPermissions(read: ["/b", "/a"]), grant: AuthPermissions())
    #expect(try state.apply(.putRole(role)) == .role(role, wasCreated: true))
    #expect(refusal(.putRole(role), of: state) == AuthError(.conflict, "Role r already exists."))
    #expect(refusal(.deleteRole("none"), of: state) == AuthError(.notFound, "Role none doesn't exist."))
    #expect(try applied(.deleteRole("r"), to: state).role("r") == nil)
  }

  @Test func `permissions are granted and revoked`() throws {
    var state = try applied(.putRole(AuthRole(name: "r", permissions: AuthPermissions(read: ["/b", "/a"]))))
    func grant(_ read: [String]?, _ write: [String]?) -> AuthChange {
      .putRole(AuthRole(name: "r", grant: AuthPermissions(read: read, write: write)))
    }
    #expect(
      refusal(grant(["/a"], nil), of: state) == AuthError(.conflict, "Granting duplicate read permission /a")
    )
    #expect(
      refusal(grant(nil, ["/w", "/w"]), of: state)
        == AuthError(.conflict, "Granting duplicate write permission /w")
    )
    _ = try state.apply(grant(["/c"], ["/w"]))
    #expect(state.role("r")?.permissions == AuthPermissions(read: ["/a", "/b", "/c"], write: ["/w"]))
    let revoke = AuthRole(name: "r", revoke: AuthPermissions(read: ["/a", "/none"], write: ["/w"]))
    _ = try state.apply(.putRole(revoke))
    #expect(state.role("r")?.permissions == AuthPermissions(read: ["/b", "/c"], write: []))
    #expect(
      refusal(.putRole(revoke), of: state)
        == AuthError(.badRequest, "Role not updated. Use grant/revoke to update the role.")
    )
    var both = revoke
    both.permissions.read = ["/a"]
    #expect(
      refusal(.putRole(both), of: state)?.description == "Role JSON contains both permissions and grant/revoke"
    )
    let other = AuthRole(name: "none", grant: AuthPermissions(read: ["/a"]))
    #expect(refusal(.putRole(other), of: state) == AuthError(.notFound, "Role none does not exist."))
  }

  @Test func `the role root is always there and stays as it is`() throws {
    #expect(state.allRoles == [.root])
    let refused = AuthError(.forbidden, "Cannot modify role root: is root role.")
    #expect(refusal(.putRole(AuthRole(name: "root")), of: state) == refused)
    let grant = AuthRole(name: "root", grant: AuthPermissions(read: ["/a"]))
    #expect(refusal(.putRole(grant), of: state) == refused)
    #expect(refusal(.deleteRole("root"), of: state) == refused)
    let sorted = try applied(.putRole(AuthRole(name: "a")), .putRole(AuthRole(name: "z")))
    #expect(sorted.allRoles.map(\.name) == ["a", "root", "z"])
  }
}

/// Who may do what.
struct AuthAccessTests {
  private static func permits(_ patterns: [String], _ key: String, recursive: Bool = false) -> Bool {
    AuthPermissions(read: patterns)
      .allow(AuthAccess(key: key, isWrite: false, isRecursive: recursive))
  }

  @Test(arguments: [
    ("/a", "/a", true, false), ("/a", "/a/", false, false), ("/a", "/ab", false, false), ("/a", "", false, false),
    ("/a*", "/a", true, true), ("/a*", "/ab/c", true, true), ("/a*", "/b", false, false),
    ("/a/*", "/a", false, false), ("/a/*", "/a/", true, true), ("/a/*", "/a/b", true, true),
    ("/*", "", false, false), ("/*", "/", true, true), ("*", "", true, true), ("", "", true, false),
    ("/*/b", "/x/b", false, false), ("/\u{E9}", "/e\u{301}", false, false), ("/e*", "/e\u{301}", true, true),
  ])
  func `a pattern with a star is a prefix, and only such ones count for recursive requests`(
    pattern: String,
    key: String,
    isAllowed: Bool,
    isAllowedRecursively: Bool
  ) {
    #expect(Self.permits([pattern], key) == isAllowed)
    #expect(Self.permits([pattern], key, recursive: true) == isAllowedRecursively)
    #expect(Self.permits(["/no", pattern, "/no*"], key) == isAllowed)
  }

  @Test func `reading and writing are two things`() {
    let permissions = AuthPermissions(read: ["/r"], write: ["/w"])
    #expect(permissions.allow(AuthAccess(key: "/r", isWrite: false, isRecursive: false)))
    #expect(!permissions.allow(AuthAccess(key: "/r", isWrite: true, isRecursive: false)))
    #expect(permissions.allow(AuthAccess(key: "/w", isWrite: true, isRecursive: false)))
    #expect(!AuthPermissions().allow(AuthAccess(key: "", isWrite: false, isRecursive: false)))
  }

  @Test func `any role of a user may allow, roles that are not there do not, root allows all`() throws {
    var state = AuthState()
    for change in [
      AuthChange.putUser(AuthUserChange(name: "root", passwordHash: [1])),
      .putUser(AuthUserChange(name: "u", passwordHash: [1], roles: ["none", "a", "b"])),
      .putUser(AuthUserChange(name: "admin", passwordHash: [1], roles: ["root"])),
      .putRole(AuthRole(name: "a", permissions: AuthPermissions(read: ["/a"]))),
      .putRole(AuthRole(name: "b", permissions: AuthPermissions(read: ["/b"]))),
      .putRole(AuthRole(name: "guest", permissions: AuthPermissions(read: ["/g"]))),
    ] {
      _ = try state.apply(change)
    }
    func access(_ key: String, recursive: Bool = false) -> AuthAccess {
      AuthAccess(key: key, isWrite: false, isRecursive: recursive)
    }
    let user = try state.existingUser("u")
    #expect(state.allows(user, access("/c")) && state.allowsGuest(access("/c")), "nobody is asked while it is off")
    _ = try state.apply(.enable)
    #expect(state.allows(user, access("/a")) && state.allows(user, access("/b")))
    #expect(!state.allows(user, access("/c")) && !state.allows(user, access("/g")) && !state.isRoot(user))
    #expect(state.allowsGuest(access("/g")) && !state.allowsGuest(access("/a")))
    #expect(!state.allowsGuest(access("/g", recursive: true)), "the guest obeys the rule for recursive requests too")
    for name in ["root", "admin"] {
      let root = try state.existingUser(name)
      #expect(state.isRoot(root) && state.allows(root, access("", recursive: true)))
    }
    _ = try state.apply(.deleteRole("guest"))
    #expect(!state.allowsGuest(access("/g")))
  }
}

// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

@testable import EtcdStore

struct AuthCodingTests {
  static let changes: [AuthChange] = [
    .enable, .disable, .deleteUser("ü"), .deleteRole(""),
    .putUser(AuthUserChange(name: "u")),
    .putUser(AuthUserChange(name: "u", passwordHash: [], roles: [], grant: ["a"], revoke: ["b", ""])),
    .putUser(AuthUserChange(name: "root", passwordHash: Array(0...255), roles: ["a", "a"])),
    .putRole(AuthRole(name: "r")),
    .putRole(
      AuthRole(
        name: "r",
        permissions: AuthPermissions(read: ["/a*"], write: []),
        grant: AuthPermissions(),
        revoke: AuthPermissions(read: nil, write: ["/b"])
      )
    ),
  ]

  @Test(arguments: changes)
  func `every change is read back as it was written`(change: AuthChange) throws {
    #expect(try AuthChange(decoding: change.encoded()) == change)
  }

  @Test func `a cut or changed change is refused or another change, never a crash`() {
    var generator = SeededGenerator(seed: 21)
    for change in Self.changes {
      let bytes = change.encoded()
      for length in 0..<bytes.count {
        #expect(throws: StoreDecodingError.self) { try AuthChange(decoding: bytes.prefix(length)) }
      }
      for position in bytes.indices {
        for _ in 0..<20 {
          var changed = bytes
          changed[position] = UInt8.random(in: 0...255, using: &generator)
          _ = try? AuthChange(decoding: changed)
          _ = try? AuthState(decoding: changed)
        }
      }
    }
  }

  @Test func `a state is read back, and equal states have equal bytes whatever their past`() throws {
    var (first, second) = (AuthState(), AuthState())
    let users = (0..<50).map { AuthChange.putUser(AuthUserChange(name: "user\($0)", passwordHash: [UInt8($0)])) }
    let roles = (0..<50).map {
      AuthChange.putRole(AuthRole(name: "role\($0)", permissions: AuthPermissions(read: ["/\($0)*"])))
    }
    let root = AuthChange.putUser(AuthUserChange(name: "root", passwordHash: [1], roles: ["x"]))
    for change in users + roles + [root, .enable] { _ = try first.apply(change) }
    for change in [root, .enable] + roles.reversed() + users.reversed() { _ = try second.apply(change) }
    #expect(first == second)
    #expect(first.encoded() == second.encoded())
    #expect(first.stateHash == second.stateHash)
    #expect(try AuthState(decoding: first.encoded()) == first)
    _ = try second.apply(.deleteUser("user7"))
    #expect(first.stateHash != second.stateHash)
    #expect(try AuthState(decoding: AuthState().encoded()) == AuthState())
  }

  @Test(arguments: [UInt64(1), 2, 3, 4])
  func `a member that began with a snapshot goes on as the others do`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let names = ["root", "guest", "a", "b", "\u{E9}", "e\u{301}", ""]
    let patterns = ["/*", "/a", "/a*", ""]
    func some(_ texts: [String]) -> [String] { texts.filter { _ in .random(using: &generator) } }
    func permissions() -> AuthPermissions { AuthPermissions(read: some(patterns), write: some(patterns)) }
    func change() -> AuthChange {
      let name = names.randomElement(using: &generator) ?? ""
      switch UInt8.random(in: 0..<10, using: &generator) {
      case 0: return .enable
      case 1: return .disable
      case 2: return .deleteUser(name)
      case 3: return .deleteRole(name)
      case 4: return .putRole(AuthRole(name: name, permissions: permissions()))
      case 5: return .putRole(AuthRole(name: name, grant: permissions(), revoke: permissions()))
      case 6: return .putUser(AuthUserChange(name: name, grant: some(names), revoke: some(names)))
      default:
        let hash = (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return .putUser(AuthUserChange(name: name, passwordHash: hash, roles: some(names)))
      }
    }
    var (first, second) = (AuthState(), AuthState())
    for step in 0..<3_000 {
      let next = change()
      if step % 97 == 0 { second = try AuthState(decoding: first.encoded()) }
      let (one, other) = (Result { try first.apply(next) }, Result { try second.apply(next) })
      #expect("\(one)" == "\(other)")
      #expect(first == second && first.stateHash == second.stateHash)
      #expect(first.roles[ByteString("root")] == nil)
      #expect(!first.isEnabled || first.user("root") != nil, "users never count without a root")
    }
  }
}

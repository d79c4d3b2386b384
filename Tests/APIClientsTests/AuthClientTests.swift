// SPDX-License-Identifier: Apache-2.0
import APIServer
import EtcdStore
import EtcdWire
import NIOCore
import StoreTestKit
import TestKit
import Testing

@testable import APIClients

/// The client's users and roles against our own server on loopback.
@Suite struct AuthClientTests {
  private static func status(_ error: APIClientError?) -> Int? {
    if case .refused(let status)? = error?.code { status } else { nil }
  }

  @Test func `users and roles are made, shown, changed and removed`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(.member(MemoryKeys(), MemoryCluster(), MemoryUsers()))
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      #expect(try await client.users().isEmpty)
      #expect(try await client.roles() == [.root])
      let role = AuthRole(name: "a b/ü", permissions: AuthPermissions(read: ["/r*"], write: []))
      let slashed = await #expect(throws: APIClientError.self) { try await client.putRole(role) }
      #expect(Self.status(slashed) == 400 && slashed?.message == "Invalid path")
      let reader = AuthRole(name: "rd ü", permissions: AuthPermissions(read: ["/r*"], write: []))
      #expect(try await client.putRole(reader) == reader)
      let made = try await client.putUser(AuthUserRequest(name: "u", password: "p", roles: ["rd ü"]))
      #expect(made == AuthUserRecord(name: "u", roles: [AuthRole(name: "rd ü")]))
      #expect(try await client.user("u") == AuthUserRecord(name: "u", roles: [reader]))
      let granted = AuthRole(name: "rd ü", grant: AuthPermissions(write: ["/w"]))
      #expect(try await client.putRole(granted).permissions == AuthPermissions(read: ["/r*"], write: ["/w"]))
      #expect(try await client.role("rd ü").permissions.write == ["/w"])
      let revoked = try await client.putUser(AuthUserRequest(name: "u", revoke: ["rd ü"]))
      #expect(revoked.roles.isEmpty)
      #expect(try await client.users() == [AuthUserRecord(name: "u")])
      try await client.deleteRole("rd ü")
      try await client.deleteUser("u")
      let gone = await #expect(throws: APIClientError.self) { try await client.user("u") }
      #expect(Self.status(gone) == 404 && gone?.message == "auth: User u does not exist.")
    }
  }

  @Test func `the switch is turned by root alone`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(.member(MemoryKeys(), MemoryCluster(), MemoryUsers()))
      let endpoints = [servers[0].endpoint]
      let anyone = EtcdClient(endpoints: endpoints, transport: transport)
      let refused = await #expect(throws: APIClientError.self) { try await anyone.enableAuth() }
      #expect(Self.status(refused) == 409)
      #expect(refused?.message == "auth: No root user available, please create one")
      try await anyone.putUser(AuthUserRequest(name: "root", password: "p:w"))
      try await anyone.enableAuth()
      #expect(try await anyone.isAuthEnabled())
      let stranger = await #expect(throws: APIClientError.self) { try await anyone.disableAuth() }
      #expect(Self.status(stranger) == 401 && stranger?.message == "Insufficient credentials")
      let root = EtcdClient(
        endpoints: endpoints,
        transport: transport,
        credentials: Credentials(username: "root", password: "p:w")
      )
      try await root.putRole(AuthRole(name: "guest", revoke: AuthPermissions(read: ["/*"], write: ["/*"])))
      try await root.set("/a", "1")
      let key = await #expect(throws: EtcdError.self) { try await anyone.get("/a") }
      #expect(key == EtcdError(.unauthorized, cause: "Insufficient credentials"))
      try await root.disableAuth()
      #expect(try await anyone.get("/a").event.node.value == "1")
    }
  }
}

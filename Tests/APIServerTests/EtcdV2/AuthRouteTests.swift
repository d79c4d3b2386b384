// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Foundation
import StoreTestKit
import Synchronization
import TestKit
import Testing

@testable import APIServer

/// `/v2/auth` and what users may do elsewhere (specs/etcd-v2.md §13).
@Suite struct AuthRouteTests {
  private let keys = MemoryKeys()
  private let cluster = MemoryCluster()
  private let users = MemoryUsers()
  private let ports = APIPorts()

  init() {
    ports.setStore(.member(keys, cluster, users))
  }

  private func ask(
    _ method: String,
    _ target: String,
    as credentials: String? = nil,
    body: String = "",
    on surface: APISurface = .everything
  ) async throws -> TestResponse {
    let headers = credentials.map { [("Authorization", "Basic " + Data($0.utf8).base64EncodedString())] } ?? []
    return try await TestConnection(ports, surface: surface).ask(method, target, headers: headers, body: body)
  }

  /// Switches users on, with `root:pw`, and takes everything from the guest.
  private func closeStore() throws {
    try users.facts.withLock { facts in
      for change in [
        AuthChange.putUser(AuthUserChange(name: "root", passwordHash: [0] + Array("pw".utf8))),
        .putRole(AuthRole(name: "guest")),
        .enable,
      ] {
        _ = try facts.state.apply(change)
      }
    }
  }

  @Test func `every answer is etcd's, but where a difference is meant`() async throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/auth-transcript.txt")
    let exchanges = try AuthTranscript(contentsOf: file).exchanges
    #expect(exchanges.count > 200)
    for exchange in exchanges {
      let answer = try await TestConnection(ports)
        .ask(exchange.method, exchange.target, headers: exchange.headers, body: exchange.body ?? "")
      let line = AuthTranscript.line(
        status: answer.status,
        hasClusterID: answer["x-etcd-cluster-id"] != nil,
        allow: answer["allow"],
        body: answer.body
      )
      #expect(line == exchange.wanted, "\(exchange)")
    }
  }

  @Test func `answers are JSON, and refusals of keys carry index 0`() async throws {
    try closeStore()
    let user = try await ask("GET", "/v2/auth/users/root", as: "root:pw")
    #expect(user["content-type"] == "application/json")
    #expect(try await ask("DELETE", "/v2/auth/users/none", as: "root:pw")["content-type"] == "application/json")
    let refused = try await ask("GET", "/v2/keys/a")
    #expect(refused.statusLine == "HTTP/1.1 401 Unauthorized")
    #expect(refused["x-etcd-index"] == "0")
    #expect(refused["www-authenticate"] == nil)
    #expect(refused["x-raft-index"] == nil)
  }

  @Test func `nothing is carried out for whom it is refused to`() async throws {
    try closeStore()
    for target in ["/v2/keys/a?value=1", "/v2/keys/a?value=1&recursive=true"] {
      #expect(try await ask("PUT", target).status == 401)
      #expect(try await ask("PUT", target, as: "root:wrong").status == 401)
    }
    #expect(try await ask("GET", "/v2/keys/a?wait=true").status == 401)
    #expect(keys.watcherCount == 0)
    #expect(try await ask("POST", "/v2/members", body: #"{"peerURLs":["http://127.0.0.1:1"]}"#).status == 401)
    #expect(try await ask("DELETE", "/v2/members/1273c4c5e190af94").status == 401)
    #expect(cluster.facts.withLock { $0.removed.isEmpty && $0.members.count == 2 })
    #expect(try await ask("PUT", "/v2/auth/users/eve", body: #"{"user":"eve","password":"x"}"#).status == 401)
    #expect(users.authState.allUsers.map(\.name) == ["root"])
    #expect(try await ask("DELETE", "/v2/members/1273c4c5e190af94", as: "root:pw").status == 204)
  }

  @Test func `tokens are keys, and need the permission for them`() async throws {
    try closeStore()
    #expect(try await ask("GET", "/discovery/new?size=3").status == 401)
    let token = "0123456789abcdef0123456789abcdef"
    #expect(try await ask("GET", "/discovery/\(token)").status == 401)
    #expect(try await ask("PUT", "/discovery/\(token)/1?value=x").status == 401)
    #expect(try await ask("PUT", "/discovery/\(token)/1?value=x", as: "root:pw").status == 201)
    #expect(try await ask("GET", "/discovery/new?size=3", as: "root:pw").status == 200)
    let grant = AuthRole(
      name: "guest",
      grant: AuthPermissions(read: ["/_etcd/registry/*"], write: ["/_etcd/registry/*"])
    )
    try users.facts.withLock { _ = try $0.state.apply(.putRole(grant)) }
    #expect(try await ask("GET", "/discovery/new?size=3").status == 200)
    #expect(try await ask("GET", "/discovery/\(token)/1").status == 200)
  }

  @Test func `the control socket's caller owns the machine, unless it names a user`() async throws {
    try closeStore()
    #expect(try await ask("PUT", "/v2/keys/a?value=1", on: .control).status == 201)
    #expect(try await ask("GET", "/v2/keys?recursive=true", on: .control).status == 200)
    #expect(try await ask("GET", "/v2/auth/users", on: .control).status == 200)
    #expect(try await ask("GET", "/v2/keys/a", as: "root:wrong", on: .control).status == 401)
    #expect(try await ask("DELETE", "/v2/auth/enable", as: "nobody:pw", on: .control).status == 401)
    #expect(try await ask("DELETE", "/v2/auth/enable", on: .control).status == 200)
    #expect(!users.isAuthEnabled)
  }

  @Test func `a member that has too many passwords to look at says so`() async throws {
    try closeStore()
    users.facts.withLock { $0.isBusy = true }
    let key = try await ask("GET", "/v2/keys/a", as: "root:pw")
    #expect(key.status == 500)
    #expect(key.body.contains(#""errorCode":300"#))
    for target in ["/v2/auth/users", "/v2/auth/roles/x"] {
      #expect(try await ask("GET", target, as: "root:pw").body == #"{"message":"Internal Server Error"}"#)
    }
    #expect(try await ask("POST", "/v2/members", as: "root:pw").status == 500)
  }

  @Test func `changes that got no answer are 500`() async throws {
    users.facts.withLock { $0.failure = "etcdserver: request timed out" }
    let answer = try await ask("PUT", "/v2/auth/users/u", body: #"{"user":"u","password":"p"}"#)
    #expect(answer.status == 500)
    #expect(answer.body == #"{"message":"Internal Server Error"}"#)
    #expect(answer["x-etcd-cluster-id"] != nil)
  }

  @Test func `origins that are allowed get the CORS headers here too`() async throws {
    ports.setCORSOrigins(["*"])
    for target in ["/v2/auth/users", "/v2/auth/users/none", "/v2/auth/users/a/b"] {
      #expect(try await ask("GET", target)["access-control-allow-origin"] == "*")
    }
  }

  @Test func `without users there is no auth to speak of`() async throws {
    ports.setStore(.member(keys, cluster))
    #expect(try await ask("GET", "/v2/auth/enable").status == 404)
    #expect(try await ask("GET", "/v2/keys/", as: "a:b").status == 200)
  }
}

// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import StoreTestKit
import Testing

@testable import APIServer

/// The discovery service (specs/discovery.md §6).
@Suite struct DiscoveryRouteTests {
  private let keys = MemoryKeys()
  private let ports = APIPorts()

  init() {
    ports.setStore(.member(keys, MemoryCluster()))
  }

  private func token(_ target: String, method: String = "GET") async throws -> String {
    let answer = try await TestConnection(ports).ask(method, target)
    #expect(answer.status == 200)
    let prefix = "http://node:2379/discovery/"
    #expect(answer.body.hasPrefix(prefix))
    return String(answer.body.dropFirst(prefix.count))
  }

  @Test(arguments: ["GET", "PUT", "POST"])
  func `a new token is 32 hex digits and keeps the size`(method: String) async throws {
    let token = try await token("/discovery/new?size=5", method: method)
    #expect(token.count == 32)
    #expect(token.allSatisfy { "0123456789abcdef".contains($0) })
    #expect(try await keys.get("/_etcd/registry/\(token)/_config/size").event.node.value == "5")
    #expect(try await self.token("/discovery/new") != token)
  }

  @Test func `the size is 3 when none is given`() async throws {
    for target in ["/discovery/new", "/discovery/new?size="] {
      let token = try await token(target)
      #expect(try await keys.get("/_etcd/registry/\(token)/_config/size").event.node.value == "3")
    }
  }

  @Test(arguments: ["0", "10", "-1", "x"])
  func `sizes that no cluster has are refused in plain words`(size: String) async throws {
    let answer = try await TestConnection(ports).ask("GET", "/discovery/new?size=\(size)")
    #expect(answer.status == 400)
    #expect(answer.body == "size must be a number from 1 to 9\n")
  }

  @Test func `a token is a directory of the store, with the store's answers`() async throws {
    let connection = try await TestConnection(ports)
    let token = try await token("/discovery/new?size=2")
    let size = try await connection.ask("GET", "/discovery/\(token)/_config/size")
    #expect(size.body.contains(#""key":"/_etcd/registry/\#(token)/_config/size","value":"2""#))
    #expect(size["x-etcd-index"] == "1")
    let first = try await connection.form("PUT", "/discovery/\(token)/a1?prevExist=false", "value=n=http://h:1")
    #expect(first.status == 201)
    let again = try await connection.form("PUT", "/discovery/\(token)/a1?prevExist=false", "value=n=http://h:1")
    #expect(again.status == 412)
    let list = try await connection.ask("GET", "/discovery/\(token)/")
    #expect(list.body.contains(#""key":"/_etcd/registry/\#(token)/a1","value":"n=http://h:1""#))
    #expect(try await connection.ask("DELETE", "/discovery/\(token)/a1").status == 200)
  }

  @Test func `joining machines can be waited for`() async throws {
    let token = try await token("/discovery/new?size=2")
    let watcher = try await TestConnection(ports)
    try await watcher.send("GET", "/discovery/\(token)?wait=true&recursive=true&waitIndex=2")
    #expect(try await watcher.head().status == 200)
    let joiner = try await TestConnection(ports)
    _ = try await joiner.form("PUT", "/discovery/\(token)/a1?prevExist=false", "value=x")
    #expect(try await watcher.chunk()?.contains("/a1") == true)
  }

  @Test func `what discovery's clients do not do is not let through`() async throws {
    let connection = try await TestConnection(ports)
    let token = try await token("/discovery/new?size=2")
    #expect(try await connection.form("PUT", "/discovery/\(token)/_config/size", "value=9").status == 405)
    #expect(try await connection.ask("DELETE", "/discovery/\(token)/_config?recursive=true").status == 405)
    #expect(try await connection.ask("DELETE", "/discovery/\(token)?recursive=true").status == 405)
    #expect(try await connection.ask("GET", "/discovery/\(token)/a/b").status == 404)
    #expect(try await connection.ask("GET", "/discovery/short").status == 404)
    #expect(
      try await connection.ask("GET", "/discovery/\(token.uppercased())").status
        == (token == token.uppercased() ? 200 : 404)
    )
  }

  @Test func `a Host that is no host makes no address`() async throws {
    let connection = try await TestConnection(ports)
    try await connection.send("GET /discovery/new?size=3 HTTP/1.1\r\nHost: a b\r\n\r\n")
    #expect(try await connection.response().status == 400)
  }
}

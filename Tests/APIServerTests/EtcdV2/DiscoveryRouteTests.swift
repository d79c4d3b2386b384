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
    #expect(size["x-etcd-index"] == "2")
    #expect(try await connection.ask("HEAD", "/discovery/\(token)/_config/size").status == 200)
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
    try await watcher.send("GET", "/discovery/\(token)?wait=true&recursive=true&waitIndex=3")
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
  }

  @Test(arguments: [
    "", "/", "/short", "/0123456789abcdef0123456789abcde", "/0123456789ABCDEF0123456789abcdef", "/new/x",
  ])
  func `what cannot be a token is told so`(path: String) async throws {
    let answer = try await TestConnection(ports).ask("GET", "/discovery\(path)")
    #expect(answer.status == 404)
    #expect(answer.body.hasPrefix("this is no discovery token: one is 32 digits from 0-9 and a-f"))
  }

  // MARK: Upkeep

  private let week: Int64 = 7 * 24 * 3_600

  private func ttl(_ token: String) async throws -> Int64? {
    try await keys.get("/_etcd/registry/\(token)").event.node.ttlSeconds
  }

  @Test(arguments: ["/discovery", "/v2/keys/_etcd/registry"])
  func `a token lives for a week after the last registration, and for good when its cluster is complete`(
    form: String
  ) async throws {
    let connection = try await TestConnection(ports)
    let token = try await token("/discovery/new?size=2")
    #expect(try await ttl(token) == week)
    let directory = "/_etcd/registry/\(token)"
    func shorten() async throws {
      let update = KeysWrite.update(value: nil, ttl: .seconds(60), refresh: true)
      _ = try await keys.perform(.write(key: directory, update))
    }
    try await shorten()
    #expect(try await ttl(token) == 60)
    _ = try await connection.form("PUT", "\(form)/\(token)/a1?prevExist=false", "value=a=http://h:1")
    #expect(try await ttl(token) == week)
    // A registration that is refused changes nothing, nor does a look.
    try await shorten()
    _ = try await connection.form("PUT", "\(form)/\(token)/a1?prevExist=false", "value=a=http://h:1")
    _ = try await connection.ask("GET", "\(form)/\(token)/a1")
    #expect(try await ttl(token) == 60)
    // Clients take every event for a member, and must not see the time start anew.
    let index = try await keys.get(directory).event.etcdIndex.next
    let watcher = try await TestConnection(ports)
    try await watcher.send("GET", "/discovery/\(token)?wait=true&recursive=true&waitIndex=\(index.rawValue)")
    #expect(try await watcher.head().status == 200)
    _ = try await connection.form("PUT", "\(form)/\(token)/b2?prevExist=false", "value=b=http://h:2")
    let event = try await watcher.chunk()
    #expect(event?.contains("/b2") == true)
    #expect(try await ttl(token) == nil)
    let second = try await TestConnection(ports)
    try await second.send("GET", "/discovery/\(token)?wait=true&recursive=true&waitIndex=\(index.rawValue + 1)")
    #expect(try await second.head().status == 200)
    _ = try await connection.form("PUT", "\(form)/\(token)/c3?prevExist=false", "value=c=http://h:3")
    #expect(try await second.chunk()?.contains("/c3") == true)
  }

  @Test func `a token made by hand is left as it is`() async throws {
    _ = try await keys.create("/_etcd/registry/mine/_config/size", "3")
    let connection = try await TestConnection(ports)
    _ = try await connection.form("PUT", "/v2/keys/_etcd/registry/mine/a1?prevExist=false", "value=a=http://h:1")
    #expect(try await ttl("mine") == nil)
  }

  @Test func `a token is told about in words`() async throws {
    let connection = try await TestConnection(ports)
    let token = try await token("/discovery/new?size=2")
    func summary() async throws -> String { try await connection.ask("GET", "/discovery/\(token)?pretty").body }
    #expect(
      try await summary()
        == "token \(token): 0 of 2 members have registered; it goes away in 7 days unless somebody registers\n"
    )
    for (id, value) in [("b2", "b=http://h:2"), ("a1", "a=http://h:1,a=http://i:1"), ("c3", "c=http://h:3")] {
      _ = try await connection.form("PUT", "/discovery/\(token)/\(id)?prevExist=false", "value=\(value)")
    }
    #expect(
      try await summary() == """
        token \(token): complete, with 2 of 2 members; machines that boot now become workers
          b2  b  http://h:2
          a1  a  http://h:1,http://i:1
          c3  c  http://h:3  (too late)

        """
    )
    let unknown = try await connection.ask("GET", "/discovery/0123456789abcdef0123456789abcdef/?pretty")
    #expect(unknown.status == 404 && unknown.body.hasPrefix("there is no such discovery token"))
  }

  @Test func `a Host that is no host makes no address`() async throws {
    let connection = try await TestConnection(ports)
    try await connection.send("GET /discovery/new?size=3 HTTP/1.1\r\nHost: a b\r\n\r\n")
    #expect(try await connection.response().status == 400)
  }
}

// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import NIOCore
import NIOEmbedded
import StoreTestKit
import TestKit
import Testing

@testable import APIServer

/// `/v2/keys` on the wire, with the bytes of fixtures/etcd/v2-transcripts.txt.
@Suite struct KeysRouteTests {
  private let keys = MemoryKeys()
  private let cluster = MemoryCluster()
  private let ports = APIPorts()

  init() {
    ports.setStore(.member(keys, cluster))
  }

  private func connection(_ limits: HTTPLimits = HTTPLimits()) async throws -> TestConnection {
    try await TestConnection(ports, limits: limits)
  }

  @Test func `a first set is 201, a second 200 with the previous node`() async throws {
    let connection = try await connection()
    let first = try await connection.form("PUT", "/v2/keys/t/a", "value=1")
    #expect(first.statusLine == "HTTP/1.1 201 Created")
    #expect(
      first.body == #"{"action":"set","node":{"key":"/t/a","value":"1","modifiedIndex":1,"createdIndex":1}}"# + "\n"
    )
    #expect(first["content-type"] == "application/json")
    #expect(first["x-etcd-cluster-id"] == "117807652c60a770")
    #expect(first["x-etcd-index"] == "1")
    #expect(first["x-raft-index"] == "101")
    #expect(first["x-raft-term"] == "2")
    let second = try await connection.form("PUT", "/v2/keys/t/a", "value=2")
    #expect(second.status == 200)
    #expect(second.body.contains(#""prevNode":{"key":"/t/a","value":"1","modifiedIndex":1,"createdIndex":1}"#))
  }

  @Test func `GET and HEAD read, HEAD without the body`() async throws {
    let connection = try await connection()
    _ = try await connection.form("PUT", "/v2/keys/t/a", "value=1")
    let get = try await connection.ask("GET", "/v2/keys/t/a")
    #expect(
      get.body == #"{"action":"get","node":{"key":"/t/a","value":"1","modifiedIndex":1,"createdIndex":1}}"# + "\n"
    )
    let head = try await connection.ask("HEAD", "/v2/keys/t/a")
    #expect(head.status == 200)
    #expect(head["content-length"] == String(get.body.utf8.count))
    #expect(
      try await connection.ask("GET", "/v2/keys").body.hasPrefix(#"{"action":"get","node":{"dir":true,"nodes":["#)
    )
  }

  @Test func `store errors carry the index and no raft headers`() async throws {
    let connection = try await connection()
    let missing = try await connection.ask("GET", "/v2/keys/t/nope")
    #expect(missing.statusLine == "HTTP/1.1 404 Not Found")
    #expect(missing.body == #"{"errorCode":100,"message":"Key not found","cause":"/t","index":0}"# + "\n")
    #expect(missing["x-etcd-index"] == "0")
    #expect(missing["x-raft-index"] == nil)
    #expect(missing["x-etcd-cluster-id"] == "117807652c60a770")
  }

  @Test(arguments: [
    ("GET", "/v2/keys/a?recursive=", 209), ("GET", "/v2/keys/a?waitIndex=x", 203),
    ("DELETE", "/v2/keys/a?prevValue=", 201),
    ("HEAD", "/v2/keys/a?wait=true", 209), ("GET", "/v2/keys/a?x=%zz", 210),
  ])
  func `a wrong parameter is 400 before anything happens`(method: String, target: String, code: Int) async throws {
    let answer = try await connection().ask(method, target)
    #expect(answer.status == 400)
    #expect(answer["x-etcd-index"] == "0")
    if method != "HEAD" { #expect(answer.body.hasPrefix(#"{"errorCode":\#(code),"#)) }
  }

  @Test func `a form that is too large is error 210`() async throws {
    var limits = HTTPLimits()
    limits.bodyBytes = 100
    let body = "value=" + String(repeating: "x", count: 200)
    let answer = try await connection(limits).form("PUT", "/v2/keys/a", body)
    #expect(answer.status == 400)
    #expect(
      answer.body == #"{"errorCode":210,"message":"Invalid POST form","cause":"http: POST too large","index":0}"# + "\n"
    )
    #expect(answer["connection"] == "close")
  }

  @Test func `methods that are not allowed are 405 with the list, OPTIONS is 200`() async throws {
    let connection = try await connection()
    let patch = try await connection.ask("PATCH", "/v2/keys/u/w")
    #expect(patch.statusLine == "HTTP/1.1 405 Method Not Allowed")
    #expect(patch["allow"] == "HEAD,GET,PUT,POST,DELETE")
    #expect(patch["content-type"] == "text/plain; charset=utf-8")
    #expect(patch.body == "Method Not Allowed\n")
    let options = try await connection.ask("OPTIONS", "/v2/keys/u/w", headers: [("Origin", "http://a.com")])
    #expect(options.status == 200)
    #expect(options.body.isEmpty)
    #expect(options["access-control-allow-origin"] == nil)
  }

  @Test func `origins that are allowed get the CORS headers on every answer`() async throws {
    ports.setCORSOrigins(["http://a.com"])
    let connection = try await connection()
    for method in ["OPTIONS", "GET"] {
      let allowed = try await connection.ask(method, "/v2/keys", headers: [("Origin", "http://a.com")])
      #expect(allowed["access-control-allow-origin"] == "http://a.com")
      #expect(allowed["access-control-allow-methods"] == "POST, GET, OPTIONS, PUT, DELETE")
      #expect(allowed["access-control-allow-headers"] == "accept, content-type, authorization")
      let other = try await connection.ask(method, "/v2/keys", headers: [("Origin", "http://b.com")])
      #expect(other.status == 200)
      #expect(other["access-control-allow-origin"] == nil)
    }
    ports.setCORSOrigins(["*"])
    #expect(try await connection.ask("GET", "/version")["access-control-allow-origin"] == "*")
  }

  @Test func `a path that is not clean is sent to the clean one, and nothing is carried out`() async throws {
    let connection = try await connection()
    let put = try await connection.form("PUT", "/v2/keys/u/x//y?ttl=5", "value=1")
    #expect(put.statusLine == "HTTP/1.1 301 Moved Permanently")
    #expect(put["location"] == "/v2/keys/u/x/y?ttl=5")
    #expect(put.body.isEmpty)
    let get = try await connection.ask("GET", "/v2/keys/u/%2e%2e/x")
    #expect(get["location"] == "/v2/keys/x")
    #expect(get["content-type"] == "text/html; charset=utf-8")
    #expect(get.body == "<a href=\"/v2/keys/x\">Moved Permanently</a>.\n\n")
    #expect(try await connection.ask("GET", "/v2/keys").body == #"{"action":"get","node":{"dir":true}}"# + "\n")
  }

  @Test(arguments: ["/v2/keysfoo", "/v2", "/", "/v2/peers", "/v2/stats", "/v2/auth"])
  func `unknown paths are 404 in plain text`(path: String) async throws {
    let answer = try await connection().ask("GET", path)
    #expect(answer.status == 404)
    #expect(answer["content-type"] == "text/plain; charset=utf-8")
    #expect(answer.body == "404 page not found\n")
  }

  @Test func `a watch sends its head at once and its event when there is one`() async throws {
    let watcher = try await connection()
    try await watcher.send("GET", "/v2/keys/x?wait=true")
    let head = try await watcher.head()
    #expect(head.status == 200)
    #expect(head["x-etcd-index"] == "0")
    #expect(head["x-raft-index"] == "100")
    #expect(head["transfer-encoding"] == "chunked")
    let writer = try await connection()
    let written = try await writer.form("PUT", "/v2/keys/x", "value=1")
    #expect(try await watcher.chunk() == written.body)
    #expect(try await watcher.chunk() == nil)
    // The connection lives on.
    #expect(try await watcher.ask("GET", "/v2/keys/x").status == 200)
  }

  @Test func `a stream goes on until its client leaves, and the watch goes with it`() async throws {
    let watcher = try await connection()
    try await watcher.send("GET", "/v2/keys/x?wait=true&stream=true&recursive=true")
    _ = try await watcher.head()
    let writer = try await connection()
    for number in 1...3 {
      _ = try await writer.form("PUT", "/v2/keys/x/\(number)", "value=\(number)")
      #expect(try await watcher.chunk()?.contains("\"value\":\"\(number)\"") == true)
    }
    #expect(keys.watcherCount == 1)
    watcher.channel.close(promise: nil)
    try await eventually("the watch is cancelled") { keys.watcherCount == 0 }
  }

  @Test func `a watch in the past is answered from the history`() async throws {
    let connection = try await connection()
    _ = try await connection.form("PUT", "/v2/keys/x", "value=1")
    let answer = try await connection.ask("GET", "/v2/keys/x?wait=true&waitIndex=1")
    #expect(answer["x-etcd-index"] == "1")
    #expect(answer.body.contains(#""value":"1""#))
  }

  @Test func `a watch of cleared history is 400 with error 401`() async throws {
    let connection = try await connection()
    for _ in 0..<1001 { _ = try await keys.set("/x", "v") }
    let answer = try await connection.ask("GET", "/v2/keys/x?wait=true&waitIndex=1")
    #expect(answer.status == 400)
    #expect(answer["x-etcd-index"] == "1001")
    #expect(
      answer.body
        == #"{"errorCode":401,"message":"The event in requested index is outdated and cleared","#
        + #""cause":"the requested history has been cleared [2/1]","index":1001}"# + "\n"
    )
  }

  @Test func `a store that stops breaks its watches off`() async throws {
    let watcher = try await connection()
    try await watcher.send("GET", "/v2/keys/x?wait=true")
    _ = try await watcher.head()
    keys.stop()
    try await watcher.closed()
    #expect(try await watcher.unread() == "")
  }

  @Test func `noValueOnSuccess leaves the action alone`() async throws {
    let answer = try await connection().form("POST", "/v2/keys/u/nv?noValueOnSuccess=true", "value=1")
    #expect(answer.status == 201)
    #expect(answer.body == #"{"action":"create"}"# + "\n")
  }

  @Test func `keys are percent-decoded and a plus is a plus`() async throws {
    let connection = try await connection()
    let space = try await connection.form("PUT", "/v2/keys/u/a%20b", "value=sp")
    #expect(space.body.contains(#""key":"/u/a b""#))
    let plus = try await connection.form("PUT", "/v2/keys/u/a+b", "value=a+b")
    #expect(plus.body.contains(#""key":"/u/a+b","value":"a b""#))
    let slash = try await connection.form("PUT", "/v2/keys/u/sl%2Fash/", "value=1")
    #expect(slash.body.contains(#""key":"/u/sl/ash""#))
    let html = try await connection.form("PUT", "/v2/keys/u/html%3C%26%3E", "value=%3Ca%3E")
    #expect(html.body.contains(#""key":"/u/html\u003c\u0026\u003e","value":"\u003ca\u003e""#))
  }
}

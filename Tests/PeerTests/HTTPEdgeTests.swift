// SPDX-License-Identifier: Apache-2.0
import Differential
import Foundation
import TestKit
import Testing

/// The HTTP layer of a real node over real sockets (specs/etcd-v2.md §1).
@Suite(.serialized) struct HTTPEdgeTests {
  private func withServer(_ body: (LoneServer) throws -> Void) async throws {
    try await withTestDirectory { directory in
      let server = try await LoneServer.coracle("\(LoneServer.freePrefix()).1", directory: directory)
      defer { server.stop() }
      try body(server)
    }
  }

  private func ask(_ server: LoneServer, _ text: String) throws -> RawAnswer {
    let connection = try server.connection()
    connection.send(Array(text.utf8))
    return connection.answer(isHead: text.hasPrefix("HEAD"))
  }

  private func form(_ target: String, _ body: String) -> String {
    "PUT \(target) HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  @Test func `values of megabytes are stored, a form above ten is refused with 210`() async throws {
    try await withServer { server in
      for megabytes in [2, 9] {
        let value = String(repeating: "x", count: megabytes << 20)
        #expect(try ask(server, form("/v2/keys/big", "value=\(value)")).status < 300)
        let read = try ask(server, "GET /v2/keys/big HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(read.body.count > megabytes << 20)
      }
      let refused = try ask(server, form("/v2/keys/big", "value=\(String(repeating: "x", count: 10 << 20))"))
      #expect(refused.status == 400)
      #expect(
        refused.text
          == #"{"errorCode":210,"message":"Invalid POST form","cause":"http: POST too large","index":0}"# + "\n"
      )
    }
  }

  @Test func `a hundred pipelined requests are answered in their order`() async throws {
    try await withServer { server in
      let connection = try server.connection()
      let requests = (0..<100).map { form("/v2/keys/p", "value=\($0)") }
      connection.send(Array(requests.joined().utf8))
      for number in 0..<100 {
        let answer = connection.answer(isHead: false)
        #expect(answer.text.contains(#""node":{"key":"/p","value":"\#(number)""#))
      }
    }
  }

  @Test func `a request line of eight KiB is taken, and HEAD has the headers alone`() async throws {
    try await withServer { server in
      let key = "/v2/keys/" + String(repeating: "k", count: 8_192)
      #expect(try ask(server, "PUT \(key)?value=1 HTTP/1.1\r\nHost: x\r\n\r\n").status == 201)
      let connection = try server.connection()
      connection.send(Array("HEAD \(key) HTTP/1.1\r\nHost: x\r\n\r\nGET \(key) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
      let head = connection.answer(isHead: true)
      #expect(head.status == 200)
      #expect(head["content-length"].flatMap { Int($0) } ?? 0 > 8_192)
      #expect(connection.answer(isHead: false).body.count == head["content-length"].flatMap { Int($0) })
    }
  }

  @Test func `a watch of HTTP 1 0 is not chunked and ends with the connection`() async throws {
    try await withServer { server in
      let connection = try server.connection()
      connection.send(Array("GET /v2/keys/w?wait=true HTTP/1.0\r\n\r\n".utf8))
      let head = try #require(connection.head(within: .seconds(60)))
      #expect(head["transfer-encoding"] == nil && head["content-length"] == nil)
      #expect(try ask(server, form("/v2/keys/w", "value=seen")).status == 201)
      let rest = connection.rest(by: .now + .seconds(60))
      #expect(String(decoding: rest, as: UTF8.self).contains(#""value":"seen""#))
      #expect(connection.isClosed)
    }
  }

  @Test func `a new log level holds at once`() async throws {
    try await withServer { server in
      func change(_ level: String) throws {
        let body = #"{"Level":"\#(level)"}"#
        let head = "PUT /config/local/log HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let answer = try ask(server, head + body)
        #expect(answer.status == 204)
      }
      try change("ERROR")
      let before = server.log
      try change("NOTICE")
      #expect(server.log.dropFirst(before.count).contains("log.level=notice"))
      try change("ERROR")
      #expect(!server.log.dropFirst(before.count).contains("log.level=error"))
    }
  }
}

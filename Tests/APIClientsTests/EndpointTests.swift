// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import APIClients

@Suite struct EndpointTests {
  @Test func `a unix endpoint carries its path and a host header`() throws {
    let endpoint = try Endpoint("unix:///run/coracle.sock")
    #expect(endpoint.base == "http+unix://%2Frun%2Fcoracle.sock")
    #expect(endpoint.hostHeader == "localhost")
    #expect(endpoint.dialled == "unix /run/coracle.sock")
  }

  @Test func `an endpoint without a scheme is http`() throws {
    #expect(try Endpoint("127.0.0.1:4001/").url == "http://127.0.0.1:4001")
    #expect(try Endpoint("127.0.0.1:4001").dialled == "tcp 127.0.0.1:4001")
  }

  @Test func `a list is split at commas`() throws {
    #expect(try Endpoint.list("http://a:1, https://b:2").map(\.url) == ["http://a:1", "https://b:2"])
  }

  @Test(arguments: ["ftp://a:1", "unix://relative", "http://", "", "http://a b:1"])
  func `what is no endpoint is refused by name`(text: String) {
    let error = #expect(throws: APIClientError.self) { try Endpoint(text) }
    #expect(error?.message.contains("\"\(text)\"") == true)
  }

  @Test(arguments: [
    ("http://a:2379", "a", 2379), ("http://a", "a", 80), ("https://a/x", "a", 443),
    ("http://10.0.0.1:4001/p", "10.0.0.1", 4001),
    ("https://[::1]:2379", "::1", 2379), ("http://[::1]", "::1", 80),
  ])
  func `what a proxy is asked for is host and port`(text: String, host: String, port: Int) throws {
    let authority = try #require(try Endpoint(text).authority)
    #expect(authority == (host, port))
  }

  @Test func `a socket that a proxy knows by a name is still told by its path`() throws {
    let socket = try Endpoint("unix:///run/coracle.sock")
    #expect(socket.authority == nil && socket.socketPath == "/run/coracle.sock")
    let reached = socket.reached(asHost: "name.invalid")
    #expect(try #require(reached.authority) == ("name.invalid", 80))
    #expect(reached.base == "http://name.invalid:80" && reached.hostHeader == "localhost")
    #expect(reached.dialled == "unix /run/coracle.sock" && reached.socketPath == "/run/coracle.sock")
    #expect(try Endpoint("http://a").socketPath == nil)
  }
}

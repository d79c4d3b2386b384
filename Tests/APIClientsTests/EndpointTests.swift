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
}

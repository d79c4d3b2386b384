// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Testing

@Suite struct EndpointURLTests {
  @Test func `a URL has scheme, host and port`() throws {
    let url = try EndpointURL(parsing: "http://10.0.0.1:2379")
    #expect(url.scheme == .http)
    #expect(url.host == "10.0.0.1")
    #expect(url.port == 2379)
    #expect(url.text == "http://10.0.0.1:2379")
  }

  @Test func `an IPv6 host stands in brackets`() throws {
    #expect(try EndpointURL(parsing: "https://[::1]:2379").host == "::1")
    #expect(EndpointURL(scheme: .http, host: "::1", port: 1).text == "http://[::1]:1")
  }

  @Test func `what is not such a URL is refused by name`() {
    #expect(throws: EndpointURL.ParseError.scheme("10.0.0.1:2379")) { try EndpointURL(parsing: "10.0.0.1:2379") }
    #expect(throws: EndpointURL.ParseError.host("http://:2379")) { try EndpointURL(parsing: "http://:2379") }
    #expect(throws: EndpointURL.ParseError.port("http://h")) { try EndpointURL(parsing: "http://h") }
    #expect(throws: EndpointURL.ParseError.port("http://h:99999")) { try EndpointURL(parsing: "http://h:99999") }
    #expect(throws: EndpointURL.ParseError.path("http://h:1/x")) { try EndpointURL(parsing: "http://h:1/x") }
  }
}

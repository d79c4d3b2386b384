// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import SSHTunnel

@Suite struct ConnectRequestTests {
  private func parse(_ text: String) throws -> (request: ConnectRequest, count: Int) {
    try ConnectRequest.parse(Array(text.utf8))
  }

  @Test func `a request names host, port and token`() throws {
    let text = "CONNECT 10.0.0.1:2379 HTTP/1.1\r\nHost: 10.0.0.1\r\nproxy-authorization: Bearer abc-1\r\n\r\n"
    let (request, count) = try parse(text + "rest")
    #expect(request == ConnectRequest(target: .tcp(host: "10.0.0.1", port: 2379), token: "abc-1"))
    #expect(count == text.utf8.count)
    #expect(try parse("CONNECT [::1]:80 HTTP/1.1\r\n\r\n").request.target == .tcp(host: "::1", port: 80))
    #expect(try parse("CONNECT ::1:80 HTTP/1.1\r\n\r\n").request.target == .tcp(host: "::1", port: 80))
    #expect(try parse("CONNECT a:80 HTTP/1.1\r\nProxy-Authorization: Basic abc\r\n\r\n").request.token == nil)
  }

  @Test(arguments: ["/run/coracle.sock", "/tmp/a b/ü", "/"])
  func `a socket is asked for by the name of a host`(path: String) throws {
    let host = ConnectRequest.hostName(ofSocket: path)
    #expect(try parse("CONNECT \(host):80 HTTP/1.1\r\n\r\n").request.target == .unix(path: path))
    #expect(SSHProxy.socketPath(ofHost: host) == path)
    #expect(SSHProxy.socketPath(ofHost: "alpha") == nil)
  }

  @Test(arguments: ["", "CONNECT a:1 HTTP/1.1\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n"])
  func `a head that has not ended is waited for`(text: String) {
    #expect(throws: ConnectRequest.Problem.incomplete) { try parse(text) }
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\n\r\n", "CONNECT a HTTP/1.1\r\n\r\n", "CONNECT a:0 HTTP/1.1\r\n\r\n",
    "CONNECT :1 HTTP/1.1\r\n\r\n",
    "CONNECT a:1\r\n\r\n", "CONNECT a:1 HTTP/1.1 x\r\n\r\n", String(repeating: "x", count: 8_192),
    "CONNECT a:1 HTTP/1.1\r\n" + String(repeating: "x", count: 8_192) + "\r\n\r\n",
  ])
  func `what is no such request is turned away`(text: String) {
    #expect(throws: ConnectRequest.Problem.malformed) { try parse(text) }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import RaftTransport

@Suite struct PeerAddressTests {
  @Test(arguments: [
    ("http://127.0.0.1:2380", "127.0.0.1", 2380), ("http://[::1]:7001/", "::1", 7001),
    ("http://a.example:1", "a.example", 1), ("https://127.0.0.1:2380", "127.0.0.1", 2380),
  ])
  func `host and port are read`(_ url: String, _ host: String, _ port: Int) throws {
    let address = try PeerAddress(url: url)
    #expect(address.isSecure == url.hasPrefix("https:"))
    #expect(address.host == host)
    #expect(address.port == port)
  }

  @Test(arguments: [
    "127.0.0.1:2380", "ftp://127.0.0.1:2380", "http://127.0.0.1", "http://:2380", "http://h:99999", "http://h:1/path",
    "",
  ])
  func `anything else is refused by name`(_ url: String) {
    #expect {
      try PeerAddress(url: url)
    } throws: { error in
      "\(error)".contains("peer URL \(url)")
    }
  }
}

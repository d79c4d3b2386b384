// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import SSHTunnel

@Suite struct SSHAddressTests {
  @Test(arguments: [
    ("alpha", "alpha", 22, "alpha:22", "alpha"), ("Alpha:2222", "Alpha", 2222, "Alpha:2222", "[alpha]:2222"),
    ("10.0.0.1:22", "10.0.0.1", 22, "10.0.0.1:22", "10.0.0.1"), ("::1", "::1", 22, "[::1]:22", "::1"),
    ("[fe80::1]:2222", "fe80::1", 2222, "[fe80::1]:2222", "[fe80::1]:2222"), ("[::1]", "::1", 22, "[::1]:22", "::1"),
  ])
  func `an address is a host and perhaps a port`(
    text: String,
    host: String,
    port: Int,
    description: String,
    name: String
  ) throws {
    let address = try SSHAddress(text)
    #expect(address == SSHAddress(host: host, port: port))
    #expect(address.description == description)
    #expect(address.knownHostsName == name)
  }

  @Test(arguments: [
    "", ":22", "alpha:", "alpha:0", "alpha:65536", "alpha:ssh", "core@alpha", "[::1", "[::1]22", "a b", "a/b",
  ])
  func `what is no address is refused by name`(text: String) {
    let error = #expect(throws: SSHError.self) { try SSHAddress(text) }
    #expect(error?.code == .badAddress)
    #expect(error?.message.contains("\"\(text)\"") == true)
  }
}

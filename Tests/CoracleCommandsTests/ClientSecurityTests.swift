// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Testing
import TransportSecurity

@testable import CoracleCommands

/// Where the clients have the files of TLS from.
@Suite struct ClientSecurityTests {
  private let environment = [
    "CORACLE_CA_FILE": "/env/ca", "CORACLE_CERT_FILE": "/env/cert", "CORACLE_KEY_FILE": "",
    "ETCDCTL_CA_FILE": "/etcdctl/ca", "ETCDCTL_CERT_FILE": "/etcdctl/cert", "ETCDCTL_KEY_FILE": "/etcdctl/key",
  ]

  @Test func `a flag beats the variable, and an empty variable is none`() throws {
    let files = try ClientSecurityOptions.parse(["--ca-file", "/flag/ca"]).files(environment: environment)
    #expect(files.trustedAuthorities == "/flag/ca")
    #expect(files.certificate == "/env/cert")
    #expect(files.key == nil)
    #expect(try ClientSecurityOptions.parse([]).files(environment: [:]).isEmpty)
  }

  @Test func `etcdctl takes its own flags and variables`() throws {
    let invocation = try EtcdctlInvocation(
      ["--cert-file", "/flag/cert", "get", "/k"],
      environment: environment,
      readValue: { nil }
    )
    let files = invocation.settings.security
    #expect(files.trustedAuthorities == "/etcdctl/ca")
    #expect(files.certificate == "/flag/cert")
    #expect(files.key == "/etcdctl/key")
  }
}

// SPDX-License-Identifier: Apache-2.0
import APIServer
import EtcdStore
import EtcdWire
import Foundation
import Logging
import NIOCore
import NIOPosix
import StoreTestKit
import TestKit
import Testing
import TransportSecurity

@testable import APIClients

/// Our clients against our own server over TLS.
@Suite struct SecureServerTests {
  /// A server whose files and clients' files lie in one directory.
  private struct Scene {
    let authority: CertificateAuthority
    let directory: URL
    let server: HTTPAPIServer
    let port: Int

    var endpoint: Endpoint {
      get throws { try Endpoint("https://127.0.0.1:\(port)") }
    }

    /// The files of a client of `issuer`, trusting `authority`; without issuer it has no certificate.
    func security(issuer: CertificateAuthority?, trusting authority: CertificateAuthority? = nil) throws
      -> ClientSecurity
    {
      let ca = directory.appendingPathComponent("client-ca.pem").path
      try (authority ?? self.authority).pem().write(toFile: ca, atomically: true, encoding: .utf8)
      var files = SecurityFiles(trustedAuthorities: ca)
      if let issuer {
        let paths = try issuer.issue("client", usage: .client).write(to: directory, as: "client")
        (files.certificate, files.key) = (paths.certificate, paths.key)
      }
      return try ClientSecurity(files: files, logger: Logger(label: "test"))
    }

    /// The message of a request that fails.
    func failure(_ security: ClientSecurity?, endpoint: Endpoint? = nil) async throws -> String {
      let transport = HTTPTransport(group: MultiThreadedEventLoopGroup.singleton, security: security)
      let client = EtcdClient(endpoints: [try endpoint ?? self.endpoint], transport: transport)
      do {
        _ = try await client.set("/a", "1")
        await transport.shutdown()
        return ""
      } catch {
        await transport.shutdown()
        return "\(error)"
      }
    }
  }

  private func withScene(
    hosts: [String] = ["127.0.0.1"],
    asksForCertificates: Bool = true,
    _ body: (Scene) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      let authority = try CertificateAuthority()
      let paths = try authority.issue("server", for: hosts).write(to: directory, as: "server")
      let ca = directory.appendingPathComponent("server-ca.pem").path
      try authority.pem().write(toFile: ca, atomically: true, encoding: .utf8)
      let files = SecurityFiles(
        certificate: paths.certificate,
        key: paths.key,
        trustedAuthorities: asksForCertificates ? ca : nil
      )
      var logger = Logger(label: "test")
      logger.logLevel = .critical
      let ports = APIPorts()
      ports.setStore(.member(MemoryKeys(), MemoryCluster(clientURLs: ("https://127.0.0.1:1", "https://127.0.0.1:2"))))
      let server = HTTPAPIServer(
        ports: ports,
        security: try ServerSecurity(files: files, logger: logger),
        group: MultiThreadedEventLoopGroup.singleton,
        logger: logger
      )
      let bound = try await server.start(
        listening: [APIListener(.tcp(host: "127.0.0.1", port: 0), isSecure: true)]
      )
      #expect(bound[0].endpoint == "https://127.0.0.1:\(bound[0].port ?? 0)")
      do {
        try await body(Scene(authority: authority, directory: directory, server: server, port: bound[0].port ?? 0))
      } catch {
        await server.shutdown(within: .milliseconds(500))
        throw error
      }
      await server.shutdown(within: .milliseconds(500))
    }
  }

  @Test func `requests, large values and watches pass`() async throws {
    try await withScene { scene in
      let transport = HTTPTransport(
        group: MultiThreadedEventLoopGroup.singleton,
        security: try scene.security(issuer: scene.authority)
      )
      let client = EtcdClient(endpoints: [try scene.endpoint], transport: transport)
      let value = String(repeating: "v", count: 2_000_000)
      try await client.set("/large", value)
      #expect(try await client.get("/large").event.node.value == value)
      let updates = CollectedUpdates()
      let cancellation = client.watch(KeysWatch(key: "/w", recursive: true, stream: true), deliver: updates.deliver)
      _ = try await updates.first(1)
      for number in 1...3 { try await client.set("/w/\(number)", "x") }
      #expect(try await updates.first(4).count == 4)
      cancellation.cancel()
      await transport.shutdown()
    }
  }

  @Test func `an untrusted server is told with the endpoint and the remedy`() async throws {
    try await withScene(asksForCertificates: false) { scene in
      let other = try CertificateAuthority(named: "another")
      for security in [try scene.security(issuer: nil, trusting: other), nil] {
        let message = try await scene.failure(security)
        #expect(message.contains("endpoint https://127.0.0.1:\(scene.port): its certificate is not trusted"))
        #expect(message.contains("--ca-file"))
      }
    }
  }

  @Test func `a missing and a wrong client certificate are told apart`() async throws {
    try await withScene { scene in
      let missing = try await scene.failure(scene.security(issuer: nil))
      #expect(missing.contains("it wants a client certificate; give one with --cert-file and --key-file"), "\(missing)")
      let stranger = try CertificateAuthority(named: "another")
      let wrong = try await scene.failure(scene.security(issuer: stranger))
      #expect(wrong.contains("it does not accept the client certificate"), "\(wrong)")
    }
  }

  @Test func `a server of another name is told`() async throws {
    try await withScene(hosts: ["10.1.2.3"], asksForCertificates: false) { scene in
      let message = try await scene.failure(scene.security(issuer: nil))
      #expect(message.contains("does not bear this name or address"), "\(message)")
    }
  }

  @Test func `plain HTTP to the port gets the server's words`() async throws {
    try await withScene { scene in
      let message = try await scene.failure(nil, endpoint: Endpoint("http://127.0.0.1:\(scene.port)"))
      #expect(message.contains("400 Bad Request: Client sent an HTTP request to an HTTPS server."), "\(message)")
    }
  }

  @Test func `a client goes on with new files of its own`() async throws {
    try await withScene { scene in
      let security = try scene.security(issuer: CertificateAuthority(named: "another"))
      let transport = HTTPTransport(group: MultiThreadedEventLoopGroup.singleton, security: security)
      let client = EtcdClient(endpoints: [try scene.endpoint], transport: transport)
      await #expect(throws: EtcdError.self) { try await client.set("/a", "1") }
      try scene.authority.issue("client", usage: .client).write(to: scene.directory, as: "client")
      try await eventually("the new certificate is used") {
        try await client.set("/a", "1").event.node.value == "1"
      }
      await transport.shutdown()
    }
  }

  @Test func `a token made over TLS has an https address`() async throws {
    try await withScene { scene in
      let transport = HTTPTransport(
        group: MultiThreadedEventLoopGroup.singleton,
        security: try scene.security(issuer: scene.authority)
      )
      let client = DiscoveryClient(endpoints: [try scene.endpoint], transport: transport)
      let url = try await client.newToken(size: 3)
      #expect(url.hasPrefix("https://127.0.0.1:\(scene.port)/discovery/"))
      await transport.shutdown()
    }
  }

  @Test func `a secure listener without certificate does not start`() async throws {
    let server = HTTPAPIServer(
      ports: APIPorts(),
      group: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: "test")
    )
    await #expect(throws: APIServerError.self) {
      try await server.start(listening: [APIListener(.tcp(host: "127.0.0.1", port: 0), isSecure: true)])
    }
    await server.shutdown()
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import TransportSecurity

/// Both ends of real connections on loopback: who is let in, and what the others are told.
@Suite struct HandshakeTests {
  let authority: CertificateAuthority
  let log = CollectedLog()

  init() throws {
    authority = try CertificateAuthority()
  }

  private func server(
    in directory: URL,
    for hosts: [String] = ["127.0.0.1", "localhost"],
    asksForCertificates: Bool = false,
    timeout: TimeAmount = .seconds(10)
  ) throws -> ServerSecurity {
    let certificate = try authority.issue("server", for: hosts)
    let files = try certificate.files(in: directory, as: "server", trusting: asksForCertificates ? authority : nil)
    return try ServerSecurity(files: files, handshakeTimeout: timeout, logger: log.logger)
  }

  private func client(
    in directory: URL,
    trusting authority: CertificateAuthority? = nil,
    certificateOf issuer: CertificateAuthority? = nil
  ) throws -> ClientSecurity {
    let certificate = try (issuer ?? self.authority).issue("client", usage: .client)
    var files = try certificate.files(in: directory, as: "client", trusting: authority ?? self.authority)
    if issuer == nil { (files.certificate, files.key) = (nil, nil) }
    return try ClientSecurity(files: files, logger: log.logger)
  }

  @Test func `a trusted server is talked to, by address and by name`() async throws {
    try await withTestDirectory { directory in
      let client = try client(in: directory)
      try await EchoServer.with(try server(in: directory)) { server in
        for host in ["127.0.0.1", "localhost"] {
          let conversation = try await Conversation.hold(server.port, client, host: host)
          #expect(conversation.answer == "hello" && conversation.error == nil, "\(conversation)")
        }
      }
    }
  }

  @Test func `a server of an unknown authority is refused`() async throws {
    try await withTestDirectory { directory in
      let client = try client(in: directory, trusting: CertificateAuthority(named: "another"))
      try await EchoServer.with(try server(in: directory)) { server in
        let conversation = try await Conversation.hold(server.port, client)
        #expect(conversation.answer.isEmpty)
        #expect(conversation.reason()?.contains("name the authority's certificate with --ca-file") == true)
      }
      try await eventually("the server tells why") { log.count(of: "does not trust this node's certificate") == 1 }
    }
  }

  @Test func `without files the system's authorities are trusted, and not ours`() async throws {
    try await withTestDirectory { directory in
      let client = try ClientSecurity(files: SecurityFiles(), logger: log.logger)
      try await EchoServer.with(try server(in: directory)) { server in
        let conversation = try await Conversation.hold(server.port, client)
        #expect(conversation.reason()?.contains("not trusted") == true)
      }
    }
  }

  @Test func `the names in a certificate must hold what is dialled`() async throws {
    try await withTestDirectory { directory in
      let client = try client(in: directory)
      try await EchoServer.with(try server(in: directory, for: ["10.0.0.1", "example.com"])) { server in
        for host in ["127.0.0.1", "localhost"] {
          let conversation = try await Conversation.hold(server.port, client, host: host)
          #expect(conversation.answer.isEmpty)
          #expect(conversation.reason()?.contains("does not bear this name or address") == true)
        }
        #expect(try await Conversation.hold(server.port, client, host: "example.com").answer == "hello")
      }
    }
  }

  @Test func `client certificates are asked for and checked`() async throws {
    try await withTestDirectory { directory in
      let security = try server(in: directory, asksForCertificates: true)
      try await EchoServer.with(security) { server in
        let known = try client(in: directory, certificateOf: authority)
        #expect(try await Conversation.hold(server.port, known).answer == "hello")

        let bare = try client(in: directory)
        let refused = try await Conversation.hold(server.port, bare)
        #expect(refused.answer.isEmpty)
        #expect(
          refused.reason()?.contains("it wants a client certificate; give one with --cert-file and --key-file") == true
        )

        let stranger = try client(in: directory, certificateOf: CertificateAuthority(named: "another"))
        let wrong = try await Conversation.hold(server.port, stranger)
        #expect(wrong.answer.isEmpty)
        #expect(wrong.reason(hasCertificate: true)?.contains("it does not accept the client certificate") == true)
      }
      // One line in five seconds.
      #expect(log.count(of: "warning TLS connection refused") == 1)
    }
  }

  @Test func `a plain request to a TLS port is answered readably`() async throws {
    try await withTestDirectory { directory in
      try await EchoServer.with(try server(in: directory)) { server in
        let conversation = try await Conversation.hold(server.port, nil, saying: "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let parts = conversation.answer.components(separatedBy: "\r\n\r\n")
        #expect(parts.first?.hasPrefix("HTTP/1.1 400 Bad Request\r\n") == true)
        #expect(parts.last == "Client sent an HTTP request to an HTTPS server.\n")
        #expect(parts.first?.contains("Content-Length: \(parts.last?.utf8.count ?? 0)\r\n") == true)
      }
    }
  }

  @Test func `a client that never finishes its handshake is let go`() async throws {
    try await withTestDirectory { directory in
      let security = try server(in: directory, timeout: .milliseconds(100))
      try await EchoServer.with(security) { server in
        for text in [nil, "\u{16}\u{3}\u{1}"] {
          let conversation = try await Conversation.hold(server.port, nil, saying: text)
          #expect(conversation.answer.isEmpty)
        }
      }
    }
  }

  @Test func `https to a port without TLS is told`() async throws {
    try await withTestDirectory { directory in
      let client = try client(in: directory)
      let plain = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { channel in
          channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"), promise: nil)
          return channel.eventLoop.makeSucceededVoidFuture()
        }
        .bind(host: "127.0.0.1", port: 0).get()
      let conversation = try await Conversation.hold(plain.localAddress?.port ?? 0, client)
      #expect(conversation.reason() == "it does not speak TLS; use http:// instead of https://")
      try await plain.close()
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import NIOCore
import NIOPosix
import Raft
import Synchronization
import TestKit
import Testing
import TransportSecurity

@testable import RaftTransport

/// Streams between members over TLS.
@Suite struct SecurePeerTests {
  /// A transport with what it received and what it logged.
  private final class Peer: Sendable {
    let id: MemberID
    let transport: PeerTransport
    private let inbox = Mutex<[Message]>([])
    private let log: CollectedWarnings

    init(_ number: UInt64, issuer: CertificateAuthority, trusting: CertificateAuthority, hosts: [String], in place: URL)
      throws
    {
      let directory = place.appendingPathComponent("\(number)")
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let paths = try issuer.issue("member\(number)", for: hosts).write(to: directory, as: "peer")
      let ca = directory.appendingPathComponent("ca.pem").path
      try trusting.pem().write(toFile: ca, atomically: true, encoding: .utf8)
      let files = SecurityFiles(
        certificate: paths.certificate,
        key: paths.key,
        trustedAuthorities: ca,
        requiresClientCertificate: true
      )
      log = CollectedWarnings()
      id = MemberID(number)
      transport = PeerTransport(
        cluster: ClusterID(0xC1),
        member: id,
        group: .singletonMultiThreadedEventLoopGroup,
        security: PeerSecurity(
          server: try ServerSecurity(files: files, logger: log.logger),
          client: try ClientSecurity(files: files, logger: log.logger)
        ),
        logger: log.logger
      )
    }

    var received: [Message] { inbox.withLock { $0 } }
    var warnings: String { log.text }

    func listen() async throws -> Int {
      try await transport.listen(
        on: ["https://127.0.0.1:0"],
        page: { $0 == "/members" ? PeerPage(contentType: "application/json", body: Array("[]".utf8)) : nil },
        deliver: { [self] messages in inbox.withLock { $0 += messages } }
      )[0]
    }

    func message(to other: Peer, _ number: UInt64) -> Message {
      let body = Message.Body.heartbeat(commitIndex: LogIndex(number), readRound: 0)
      return Message(from: id, to: other.id, term: Term(1), body: body)
    }
  }

  private func url(_ port: Int, scheme: String = "https") -> [String] { ["\(scheme)://127.0.0.1:\(port)"] }

  @Test func `messages arrive in order, both ways, with certificates of one authority`() async throws {
    try await withTestDirectory { directory in
      let authority = try CertificateAuthority()
      let one = try Peer(1, issuer: authority, trusting: authority, hosts: ["127.0.0.1"], in: directory)
      let two = try Peer(2, issuer: authority, trusting: authority, hosts: ["127.0.0.1"], in: directory)
      let ports = (try await one.listen(), try await two.listen())
      one.transport.updatePeers([two.id: url(ports.1)])
      two.transport.updatePeers([one.id: url(ports.0)])
      try await eventually("a stream each way") {
        one.transport.send([one.message(to: two, 0)])
        two.transport.send([two.message(to: one, 0)])
        return !one.received.isEmpty && !two.received.isEmpty
      }
      let sent = (1...2_000).map { one.message(to: two, UInt64($0)) }
      for start in stride(from: 0, to: sent.count, by: 100) { one.transport.send(Array(sent[start..<start + 100])) }
      try await eventually("all messages") { two.received.last == sent.last }
      #expect(two.received.suffix(sent.count) == sent[...])
      await one.transport.stop()
      await two.transport.stop()
    }
  }

  @Test func `a member of another authority is refused, whoever dials`() async throws {
    try await withTestDirectory { directory in
      let authority = try CertificateAuthority()
      let other = try CertificateAuthority(named: "another")
      let one = try Peer(1, issuer: authority, trusting: authority, hosts: ["127.0.0.1"], in: directory)
      // It trusts the first one, so that only its own certificate is in the way.
      let stranger = try Peer(2, issuer: other, trusting: authority, hosts: ["127.0.0.1"], in: directory)
      let ports = (try await one.listen(), try await stranger.listen())
      one.transport.updatePeers([stranger.id: url(ports.1)])
      stranger.transport.updatePeers([one.id: url(ports.0)])
      try await eventually("both are told why") {
        one.warnings.contains("its certificate is not trusted")
          && stranger.warnings.contains("it does not accept the client certificate")
      }
      for _ in 1...20 { stranger.transport.send([stranger.message(to: one, 1)]) }
      #expect(one.received.isEmpty && stranger.received.isEmpty)
      await one.transport.stop()
      await stranger.transport.stop()
    }
  }

  @Test func `the address that is dialled must stand in the certificate`() async throws {
    try await withTestDirectory { directory in
      let authority = try CertificateAuthority()
      let one = try Peer(1, issuer: authority, trusting: authority, hosts: ["127.0.0.1"], in: directory)
      let two = try Peer(2, issuer: authority, trusting: authority, hosts: ["10.9.9.9"], in: directory)
      one.transport.updatePeers([two.id: url(try await two.listen())])
      try await eventually("it is told why") { one.warnings.contains("does not bear this name or address") }
      await one.transport.stop()
      await two.transport.stop()
    }
  }

  @Test func `the wrong scheme is told, either way`() async throws {
    try await withTestDirectory { directory in
      let authority = try CertificateAuthority()
      let one = try Peer(1, issuer: authority, trusting: authority, hosts: ["127.0.0.1"], in: directory)
      let two = try Peer(2, issuer: authority, trusting: authority, hosts: ["127.0.0.1"], in: directory)
      one.transport.updatePeers([two.id: url(try await two.listen(), scheme: "http")])
      try await eventually("plain to TLS") {
        one.warnings.contains("the peer answered 400: Client sent an HTTP request to an HTTPS server.")
      }
      let port = try await two.transport.listen(on: ["http://127.0.0.1:0"], page: { _ in nil }, deliver: { _ in })[0]
      one.transport.updatePeers([two.id: url(port)])
      try await eventually("TLS to plain") { one.warnings.contains("it does not speak TLS; use http://") }
      await one.transport.stop()
      await two.transport.stop()
    }
  }

  @Test func `without a certificate no https URL is listened on`() async throws {
    let transport = PeerTransport(
      cluster: ClusterID(1),
      member: MemberID(1),
      group: .singletonMultiThreadedEventLoopGroup,
      logger: Logger(label: "test")
    )
    await #expect {
      _ = try await transport.listen(on: ["https://127.0.0.1:0"], page: { _ in nil }, deliver: { _ in })
    } throws: { error in
      "\(error)".contains("with TLS: there is no certificate")
    }
  }
}

/// Keeps the warnings of a transport.
private final class CollectedWarnings: Sendable {
  private let lines = Mutex<[String]>([])

  var text: String { lines.withLock { $0.joined(separator: "\n") } }

  var logger: Logger {
    Logger(label: "test") { _ in Handler(log: self) }
  }

  private struct Handler: LogHandler {
    let log: CollectedWarnings
    var logLevel = Logger.Level.warning
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      log.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
  }
}

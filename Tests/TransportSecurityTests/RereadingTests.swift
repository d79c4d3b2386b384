// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import TransportSecurity

/// Files that change while a server runs.
@Suite struct RereadingTests {
  let authority: CertificateAuthority
  let log = CollectedLog()

  init() throws {
    authority = try CertificateAuthority()
  }

  private func client(in directory: URL) throws -> ClientSecurity {
    let path = directory.appendingPathComponent("ca.pem").path
    try authority.pem().write(toFile: path, atomically: true, encoding: .utf8)
    return try ClientSecurity(files: SecurityFiles(trustedAuthorities: path), logger: log.logger)
  }

  private func text(_ serialNumber: [UInt8]?) -> String {
    (serialNumber ?? []).map { String($0, radix: 16) }.joined()
  }

  @Test func `the next connection gets the new certificate`() async throws {
    try await withTestDirectory { directory in
      let first = try authority.issue("one", for: ["127.0.0.1"])
      let security = try ServerSecurity(files: first.files(in: directory), logger: log.logger)
      let client = try client(in: directory)
      try await EchoServer.with(security) { server in
        let before = try await Conversation.hold(server.port, client)
        #expect(text(before.serialNumber) == first.serialNumber)
        let second = try authority.issue("two", for: ["127.0.0.1"])
        _ = try second.files(in: directory)
        let after = try await Conversation.hold(server.port, client)
        #expect(text(after.serialNumber) == second.serialNumber)
        #expect(log.count(of: "certificates reread") == 1)
      }
    }
  }

  @Test func `bad new files leave the old certificate, and are told once`() async throws {
    try await withTestDirectory { directory in
      let first = try authority.issue("one", for: ["127.0.0.1"])
      let files = try first.files(in: directory)
      let security = try ServerSecurity(files: files, logger: log.logger)
      let client = try client(in: directory)
      try await EchoServer.with(security) { server in
        try "rubbish".write(toFile: files.certificate ?? "", atomically: true, encoding: .utf8)
        for _ in 1...3 {
          let conversation = try await Conversation.hold(server.port, client)
          #expect(text(conversation.serialNumber) == first.serialNumber)
        }
        #expect(log.count(of: "warning new certificates cannot be used; the old ones stay error=my.cert: ") == 1)

        // The certificate alone has come, its key has not.
        let second = try authority.issue("two", for: ["127.0.0.1"])
        try second.certificate.write(toFile: files.certificate ?? "", atomically: true, encoding: .utf8)
        #expect(text(try await Conversation.hold(server.port, client).serialNumber) == first.serialNumber)
        #expect(log.count(of: "is not the key of the certificate") == 1)
        try second.key.write(toFile: files.key ?? "", atomically: true, encoding: .utf8)
        #expect(text(try await Conversation.hold(server.port, client).serialNumber) == second.serialNumber)
      }
    }
  }

  @Test func `files that are gone leave the old certificate`() async throws {
    try await withTestDirectory { directory in
      let first = try authority.issue("one", for: ["127.0.0.1"])
      let files = try first.files(in: directory)
      let security = try ServerSecurity(files: files, logger: log.logger)
      let client = try client(in: directory)
      try await EchoServer.with(security) { server in
        try FileManager.default.removeItem(atPath: files.key ?? "")
        #expect(text(try await Conversation.hold(server.port, client).serialNumber) == first.serialNumber)
        #expect(log.count(of: "no such file or directory") == 1)
      }
    }
  }

  @Test func `other authorities are trusted from the next connection on`() async throws {
    try await withTestDirectory { directory in
      let other = try CertificateAuthority(named: "another")
      let files = try authority.issue("server", for: ["127.0.0.1"]).files(in: directory, trusting: authority)
      let security = try ServerSecurity(files: files, logger: log.logger)
      var clientFiles = try other.issue("client").files(in: directory, as: "client", trusting: authority)
      clientFiles.names = .commandLine
      let client = try ClientSecurity(files: clientFiles, logger: log.logger)
      try await EchoServer.with(security) { server in
        #expect(try await Conversation.hold(server.port, client).answer.isEmpty)
        try other.pem().write(toFile: files.trustedAuthorities ?? "", atomically: true, encoding: .utf8)
        #expect(try await Conversation.hold(server.port, client).answer == "hello")
      }
    }
  }

  @Test func `a certificate that ends soon is told`() async throws {
    try await withTestDirectory { directory in
      let files = try authority.issue("short", validUntil: 86_400).files(in: directory)
      _ = try ServerSecurity(files: files, logger: log.logger)
      #expect(log.count(of: "warning certificate expires soon") == 1)
    }
  }
}

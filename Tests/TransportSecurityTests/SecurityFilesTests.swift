// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import TransportSecurity

@Suite struct SecurityFilesTests {
  let authority: CertificateAuthority

  init() throws {
    authority = try CertificateAuthority()
  }

  /// The message about files that cannot be used; nil when they can.
  private func problem(_ files: SecurityFiles) -> SecurityError? {
    do throws(SecurityError) {
      _ = try SecurityMaterial(reading: files)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a certificate, its key and several authorities are read`() async throws {
    try await withTestDirectory { directory in
      var files = try authority.issue("node").files(in: directory, trusting: authority)
      let bundle = directory.appendingPathComponent("bundle.pem")
      try (try authority.pem() + "a comment\n" + CertificateAuthority(named: "another").pem())
        .write(to: bundle, atomically: true, encoding: .utf8)
      files.trustedAuthorities = bundle.path
      let material = try SecurityMaterial(reading: files)
      #expect(material.chain.count == 1)
      #expect(material.authorities?.count == 2)
      #expect(material.key != nil)
    }
  }

  @Test func `no files are nothing wrong`() throws {
    let material = try SecurityMaterial(reading: SecurityFiles())
    #expect(material.chain.isEmpty && material.key == nil && material.authorities == nil)
  }

  @Test func `a missing file is named with its setting`() async throws {
    try await withTestDirectory { directory in
      let files = try authority.issue("node").files(in: directory, trusting: authority)
      let gone = directory.appendingPathComponent("gone.pem").path
      var changed = files
      changed.certificate = gone
      #expect(problem(changed)?.message == "my.cert: \(gone): no such file or directory")
      changed = files
      changed.key = gone
      #expect(problem(changed)?.message == "my.key: \(gone): no such file or directory")
      changed = files
      changed.trustedAuthorities = gone
      #expect(problem(changed)?.message == "my.ca: \(gone): no such file or directory")
    }
  }

  @Test func `one of a pair needs the other`() {
    #expect(
      problem(SecurityFiles(certificate: "/c", names: .test))?.message.hasPrefix("my.cert is given without my.key")
        == true
    )
    #expect(
      problem(SecurityFiles(key: "/k", names: .test))?.message.hasPrefix("my.key is given without my.cert") == true
    )
  }

  @Test func `what is no PEM is told`() async throws {
    try await withTestDirectory { directory in
      let files = try authority.issue("node").files(in: directory)
      let text = directory.appendingPathComponent("text").path
      try "not a certificate\n".write(toFile: text, atomically: true, encoding: .utf8)
      let certificateForKey = SecurityFiles(certificate: files.certificate, key: files.certificate, names: .test)
      #expect(problem(SecurityFiles(certificate: text, key: files.key, names: .test))?.code == .malformed)
      #expect(problem(SecurityFiles(certificate: files.certificate, key: text, names: .test))?.code == .malformed)
      #expect(
        problem(certificateForKey)?.message.hasPrefix("my.key: \(files.certificate ?? "") holds no private key") == true
      )
      #expect(problem(SecurityFiles(trustedAuthorities: text, names: .test))?.code == .malformed)
    }
  }

  @Test func `an encrypted key is told apart from a damaged one`() async throws {
    try await withTestDirectory { directory in
      let files = try authority.issue("node").files(in: directory)
      let path = directory.appendingPathComponent("encrypted.pem").path
      try "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
        .write(toFile: path, atomically: true, encoding: .utf8)
      let error = problem(SecurityFiles(certificate: files.certificate, key: path, names: .test))
      #expect(error?.message.contains("is encrypted") == true)
    }
  }

  @Test func `a key of another certificate is told`() async throws {
    try await withTestDirectory { directory in
      let files = try authority.issue("node").files(in: directory)
      let other = try authority.issue("other").files(in: directory, as: "other")
      let error = problem(SecurityFiles(certificate: files.certificate, key: other.key, names: .test))
      #expect(error?.code == .keyMismatch)
      #expect(
        error?.message
          == "my.key: \(other.key ?? "") is not the key of the certificate in \(files.certificate ?? "")"
      )
    }
  }

  @Test func `certificates whose time is over, or has not come, are told`() async throws {
    try await withTestDirectory { directory in
      let expired = try authority.issue("old", validFrom: -7_200, validUntil: -3_600).files(in: directory, as: "old")
      #expect(problem(expired)?.code == .outOfDate)
      #expect(problem(expired)?.message.contains("has expired on 20") == true)
      let early = try authority.issue("new", validFrom: 3_600).files(in: directory, as: "new")
      #expect(problem(early)?.code == .outOfDate)
      #expect(problem(early)?.message.contains("is valid from 20") == true)
    }
  }

  @Test func `times are shown in UTC`() {
    #expect(CalendarTime.text(0) == "1970-01-01 00:00 UTC")
    #expect(CalendarTime.text(1_795_743_480) == "2026-11-27 01:38 UTC")
  }

  @Test func `who is asked for a certificate follows etcd 3.4`() {
    #expect(!SecurityFiles(certificate: "/c", key: "/k").admitsOnlyCertificates)
    #expect(SecurityFiles(certificate: "/c", key: "/k", trustedAuthorities: "/a").admitsOnlyCertificates)
    #expect(SecurityFiles(certificate: "/c", key: "/k", requiresClientCertificate: true).admitsOnlyCertificates)
  }
}

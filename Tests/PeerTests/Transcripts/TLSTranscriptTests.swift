// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import Differential

/// Sections 9 and 9b, first part: which clients are let in with which TLS settings.
@Suite(.serialized) struct TLSTranscriptTests {
  private static let accepted = [
    "cert+key only: TLS 1.3 with HTTP/2": "HTTP/2 is not served, as by 2.3.8; clients go on with HTTP/1.1",
    "client-cert-auth + trusted-ca: etcdctl without a certificate": "our own words for a TLS failure",
  ]

  /// One part of the record: settings, and clients by the name that stands before their `rc=`.
  private struct Part {
    var title: String
    var settings: [String: String]
    var clients: [String]
    /// Which version is followed where they differ: `9` is 2.3.8, `9b` is 3.4.23.
    var section = "9b"
  }

  @Test func `TLS settings of sections 9 and 9b let in whom they let in`() async throws {
    let report = ReplayReport("sections 9 and 9b, TLS", accepted: Self.accepted)
    try await withTestDirectory { directory in
      let files = try TLSFiles(directory)
      let pair = ["cert-file": files.server.certificate, "key-file": files.server.key]
      let trust = ["trusted-ca-file": files.authority]
      let parts = [
        Part(title: "cert+key only", settings: pair, clients: ["", "noca"]),
        Part(
          title: "client-cert-auth + trusted-ca",
          settings: pair.merging(trust) { $1 }.merging(["client-cert-auth": "true"]) { $1 },
          clients: ["nocert", "cert", "othercert"]
        ),
        Part(
          title: "trusted-ca w/o client-cert-auth",
          settings: pair.merging(trust) { $1 },
          clients: ["nocert"]
        ),
        Part(
          title: "client-cert-auth w/o trusted-ca",
          settings: pair.merging(["client-cert-auth": "true"]) { $1 },
          clients: ["nocert", "cert"]
        ),
        Part(
          title: "ca-file deprecated",
          settings: pair.merging(["ca-file": files.authority]) { $1 },
          clients: ["nocert", "cert"],
          section: "9"
        ),
        Part(title: "http url with certs", settings: pair, clients: []),
      ]
      let machines = try parts.enumerated().map { number, part in
        let machine = try TranscriptMachine("e", "\(files.prefix).\(number + 1)", below: directory)
        let scheme = part.title.hasPrefix("http ") ? "http" : "https"
        let settings = machine.ownURLs.merging(part.settings) { $1 }.merging([
          "listen-client-urls": "\(scheme)://\(machine.address):2379",
          "advertise-client-urls": "\(scheme)://\(machine.address):2379",
          "initial-cluster": "e=\(machine.peerURL)",
        ]) { $1 }
        try machine.start(settings)
        return machine
      }
      for (part, machine) in zip(parts, machines) {
        try await machine.waitForPeers()
        let record = try #require(try RecordedTranscript.parts(of: part.section)[part.title], "\(part.title)")
        for client in part.clients {
          let recorded = Self.outcome(try #require(Self.status(of: client, in: record), "\(part.title) \(client)"))
          let ours = Self.outcome(try await files.curl(as: client, machine).status)
          report.compare("\(part.title): \(client)", ours: ours, recorded: recorded)
        }
      }
      try await checkProtocols(machines[0], files, report)
      try await checkEtcdctl(machines[1], files, report)
      let answer = try machines[5].ask(RequestTemplate("GET", "/version"))
      #expect(
        try RecordedTranscript.parts(of: "9b")["http url with certs"]?.first?.hasPrefix("{\"etcdserver\"") == true
      )
      report.compare("http url with certs", ours: answer.status == 200 ? "served" : "refused", recorded: "served")
      #expect(machines[5].log.contains("coreos.etcd2.cert-file has no effect"), "\(machines[5].log)")
    }
    report.finish(atLeast: 18)
  }

  /// What a curl status means, whatever the way a connection breaks off.
  private static func outcome(_ status: Int32) -> String {
    switch status {
    case 0: "served"
    case 60: "not trusted by the client"
    case 7, 28: "nobody listens"
    default: "refused"
    }
  }

  private static func status(of client: String, in lines: [String]) -> Int32? {
    let mark = client.isEmpty ? "} rc=" : " \(client) rc="
    return lines.first { $0.contains(mark) }?.split(separator: "=").last.flatMap { Int32($0) }
  }

  private func checkProtocols(
    _ machine: TranscriptMachine,
    _ files: TLSFiles,
    _ report: ReplayReport
  ) async throws {
    let title = "cert+key only"
    let (old, new) = (
      try #require(try RecordedTranscript.parts(of: "9")[title]),
      try #require(try RecordedTranscript.parts(of: "9b")[title])
    )
    // 3.4.23 closes without a word.
    let plain = try machine.ask(RequestTemplate("GET", "/version"))
    #expect(old.contains("HTTP/1.0 400 Bad Request"))
    let text = try #require(old.first { $0.hasPrefix("Client sent") })
    report.compare(
      "\(title): plain",
      ours: "\(plain.status) \(plain.text.filter { $0 != "\n" })",
      recorded: "400 \(text)"
    )
    func version(_ lines: [String]) -> String {
      lines.first { $0.hasPrefix("< HTTP/") }?.split(separator: " ").dropFirst().prefix(2).joined(separator: " ")
        ?? "none"
    }
    let verbose = try await files.curl(as: "", machine, ["-v"]).errors.split(whereSeparator: \.isNewline)
    let ours = version(verbose.map(String.init))
    report.compare("\(title): TLS 1.3 with HTTP/1.1", ours: ours, recorded: version(old))
    report.compare("\(title): TLS 1.3 with HTTP/2", ours: ours, recorded: version(new))
    #expect(new.contains { $0.contains("(IN), TLS alert, protocol version") })
    let outdated = try await files.curl(as: "", machine, ["--tls-max", "1.1"]).status
    report.compare("\(title): TLS 1.1", ours: Self.outcome(outdated), recorded: "refused")
  }

  private func checkEtcdctl(
    _ machine: TranscriptMachine,
    _ files: TLSFiles,
    _ report: ReplayReport
  ) async throws {
    let title = "client-cert-auth + trusted-ca"
    let record = try #require(try RecordedTranscript.parts(of: "9b")[title])
    let start = try #require(record.firstIndex(of: "1"))
    let end = try #require(record.firstIndex { $0.hasPrefix("rc=") })
    let endpoint = "https://\(machine.address):2379"
    func etcdctl(_ words: String..., hasCertificate: Bool = true) async throws -> CommandOutput {
      let pair = ["--cert-file", files.client.certificate, "--key-file", files.client.key]
      let flags = ["etcdctl", "--endpoints", endpoint, "--ca-file", files.authority] + (hasCertificate ? pair : [])
      return try await run([BuiltProgram.coracle.path] + flags + SecureCluster.patience + words)
    }
    let set = try await etcdctl("set", "/a", "1")
    report.compare("\(title): etcdctl set", ours: set.output, recorded: "\(record[start])\n")
    let bare = try await etcdctl("set", "/a", "1", hasCertificate: false)
    report.compare("\(title): etcdctl's status", ours: "rc=\(bare.status)", recorded: record[end])
    let words = record[(start + 1)..<end].joined(separator: "\n")
    report.compare("\(title): etcdctl without a certificate", ours: bare.errors, recorded: words)
    let unavailable = "Error:  client: etcd cluster is unavailable or misconfigured; error #0: "
    #expect(words.hasPrefix(unavailable) && bare.errors.hasPrefix(unavailable), "\(bare)")
    let health = try await etcdctl("cluster-health")
    func mapped(_ text: some StringProtocol) -> String {
      String(text).replacing(#/member [0-9a-f]+ /#, with: "member ID ")
        .replacing(#/https:\/\/[0-9.:]+/#, with: "URL")
    }
    let recorded = record[(end + 1)...].joined(separator: "\n") + "\n"
    report.compare("\(title): etcdctl cluster-health", ours: mapped(health.output), recorded: mapped(recorded))
  }
}

/// The certificates of the record: a server's, a client's, and one of another authority.
private struct TLSFiles {
  let prefix = LoneServer.freePrefix()
  let authority: String
  let server: (certificate: String, key: String)
  let client: (certificate: String, key: String)
  let stranger: (certificate: String, key: String)

  init(_ directory: URL) throws {
    let issuer = try CertificateAuthority()
    authority = directory.appendingPathComponent("ca.pem").path
    try issuer.pem().write(toFile: authority, atomically: true, encoding: .utf8)
    let prefix = prefix
    let addresses = (1...6).map { "\(prefix).\($0)" }
    server = try issuer.issue("server", for: addresses).write(to: directory, as: "server")
    client = try issuer.issue("client", usage: .client).write(to: directory, as: "client")
    stranger = try CertificateAuthority(named: "another").issue("stranger").write(to: directory, as: "stranger")
  }

  /// Asks as one of the recorded clients.
  func curl(as client: String, _ machine: TranscriptMachine, _ more: [String] = []) async throws -> CommandOutput {
    var words = ["curl", "-sS", "-m", "20", "https://\(machine.address):2379/version"] + more
    if client != "noca" { words += ["--cacert", authority] }
    if client == "cert" { words += ["--cert", self.client.certificate, "--key", self.client.key] }
    if client == "othercert" { words += ["--cert", stranger.certificate, "--key", stranger.key] }
    return try await run(words)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import SSHTunnel

@Suite struct KnownHostsTests {
  /// A key with a type and some bytes that tell it from others.
  static func key(_ type: String = "ssh-ed25519", _ seed: UInt8) -> HostKey {
    var writer = SSHWriter()
    writer.text(type)
    writer.string([seed, 2, 3])
    return HostKey(blob: writer.bytes)!
  }

  let first = key(1)
  let second = key(2)

  private static func key(_ seed: UInt8) -> HostKey { key("ssh-ed25519", seed) }

  @Test func `a key is known, changed or unknown by host, type and bytes`() {
    let known = KnownHosts("# a comment\n\nalpha \(first.line)\nbeta,10.0.0.2 \(second.line) someone@somewhere\n")
    #expect(known.verdict(on: first, of: SSHAddress(host: "alpha")) == .known(line: 3))
    #expect(known.verdict(on: first, of: SSHAddress(host: "ALPHA")) == .known(line: 3))
    #expect(known.verdict(on: second, of: SSHAddress(host: "10.0.0.2")) == .known(line: 4))
    #expect(known.verdict(on: second, of: SSHAddress(host: "alpha")) == .changed(line: 3))
    #expect(known.verdict(on: first, of: SSHAddress(host: "gamma")) == .unknown(otherTypes: []))
    let other = Self.key("ecdsa-sha2-nistp256", 1)
    #expect(known.verdict(on: other, of: SSHAddress(host: "alpha")) == .unknown(otherTypes: [3]))
    #expect(known.keyTypes(of: SSHAddress(host: "beta")) == ["ssh-ed25519"])
    #expect(known.unreadableLines == [])
  }

  @Test func `another port is another host`() {
    let known = KnownHosts("alpha \(first.line)\n[alpha]:2222 \(second.line)\n")
    #expect(known.verdict(on: first, of: SSHAddress(host: "alpha")) == .known(line: 1))
    #expect(known.verdict(on: second, of: SSHAddress(host: "alpha", port: 2222)) == .known(line: 2))
    #expect(known.verdict(on: first, of: SSHAddress(host: "alpha", port: 2222)) == .changed(line: 2))
    #expect(known.verdict(on: first, of: SSHAddress(host: "alpha", port: 23)) == .unknown(otherTypes: []))
  }

  @Test func `patterns match any characters, and an excluded name is not meant`() {
    let known = KnownHosts("*.example,!bad.example,10.0.0.? \(first.line)\n")
    for host in ["a.example", "a.b.example", "10.0.0.7"] {
      #expect(known.verdict(on: first, of: SSHAddress(host: host)) == .known(line: 1), "\(host)")
    }
    for host in ["bad.example", "example", "10.0.0.77"] {
      #expect(known.verdict(on: first, of: SSHAddress(host: host)) == .unknown(otherTypes: []), "\(host)")
    }
  }

  @Test func `hashed names are found as ssh-keygen writes them`() async throws {
    try await withTestDirectory { directory in
      let file = directory.appendingPathComponent("known_hosts")
      try "alpha \(first.line)\n[beta]:2222 \(second.line)\n".write(to: file, atomically: true, encoding: .utf8)
      try await succeed(["ssh-keygen", "-q", "-H", "-f", file.path])
      let text = try String(contentsOf: file, encoding: .utf8)
      try #require(text.hasPrefix("|1|") && !text.contains("alpha"))
      let known = KnownHosts(text)
      #expect(known.verdict(on: first, of: SSHAddress(host: "alpha")) == .known(line: 1))
      #expect(known.verdict(on: first, of: SSHAddress(host: "beta", port: 2222)) == .changed(line: 2))
      #expect(known.verdict(on: first, of: SSHAddress(host: "beta")) == .unknown(otherTypes: []))
    }
  }

  @Test func `a revoked key is refused though another line has it`() {
    let known = KnownHosts("alpha \(first.line)\n@revoked * \(first.line)\n@cert-authority * \(second.line)\n")
    #expect(known.verdict(on: first, of: SSHAddress(host: "alpha")) == .revoked(line: 2))
    #expect(known.verdict(on: second, of: SSHAddress(host: "beta")) == .unknown(otherTypes: []))
  }

  @Test func `lines that are no entries are told`() {
    let known = KnownHosts(
      "alpha ssh-ed25519\nbeta ssh-ed25519 !!!\ngamma ssh-rsa \(first.line.dropFirst(12))\n|1|x| y z\n"
    )
    #expect(known.unreadableLines == [1, 2, 3, 4])
  }

  @Test func `a key is added on a line of its own, in a directory for its owner`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appendingPathComponent("new/known_hosts").path
      let file = KnownHostsFile(path: path)
      try file.add(first, of: SSHAddress(host: "Alpha", port: 2222))
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "[alpha]:2222 \(first.line)\n")
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(mode == 0o600)
      try "beta \(second.line)".write(toFile: path, atomically: true, encoding: .utf8)
      try file.add(first, of: SSHAddress(host: "gamma"))
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "beta \(second.line)\ngamma \(first.line)\n")
    }
  }

  @Test func `a fingerprint is as ssh-keygen prints it`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appendingPathComponent("key").path
      try await succeed(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path])
      let words = try String(contentsOfFile: path + ".pub", encoding: .utf8).split(separator: " ")
      let blob = try #require(Data(base64Encoded: String(words[1])))
      let key = try #require(HostKey(blob: Array(blob)))
      #expect(try await succeed(["ssh-keygen", "-l", "-f", path]).contains(" \(key.fingerprint) "))
      #expect(key.family == "ED25519")
    }
  }
}

/// What a check does with the answers of a person.
@Suite struct HostKeyCheckTests {
  private let key = KnownHostsTests.key("ssh-ed25519", 1)
  private let address = SSHAddress(host: "alpha", port: 2222)

  private func check(_ path: String, isStrict: Bool = true, answer: String?) throws {
    let prompts = SSHPrompts(question: { _ in answer }, secret: { _ in nil }, notice: { _ in })
    try HostKeyCheck(policy: HostKeyPolicy(file: path, isStrict: isStrict), prompts: prompts).check(key, of: address)
  }

  @Test func `an unknown key is stored when a person says yes, and asked for no more`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appendingPathComponent("known_hosts").path
      try check(path, answer: "yes")
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "[alpha]:2222 \(key.line)\n")
      try check(path, answer: nil)
    }
  }

  @Test(arguments: [nil, "no", "y", ""] as [String?])
  func `an unknown key is refused without a yes, naming host, key and file`(answer: String?) async throws {
    try await withTestDirectory { directory in
      let path = directory.appendingPathComponent("known_hosts").path
      let error = #expect(throws: SSHError.self) { try check(path, answer: answer) }
      #expect(error?.code == .hostKey)
      for part in ["alpha:2222", path, key.fingerprint] {
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
      }
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func `a changed key is refused whatever a person says, naming file and line`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appendingPathComponent("known_hosts").path
      let other = KnownHostsTests.key("ssh-ed25519", 9)
      try "# mine\n[alpha]:2222 \(other.line)\n".write(toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: SSHError.self) { try check(path, answer: "yes") }
      #expect(error?.message.contains("line 2 of \(path)") == true, "\(error?.message ?? "")")
      try check(path, isStrict: false, answer: nil)
    }
  }
}

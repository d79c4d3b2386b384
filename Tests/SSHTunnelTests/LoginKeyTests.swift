// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import SSHTunnel

@Suite struct LoginKeyTests {
  private func identity(_ byte: UInt8) -> AgentIdentity {
    AgentIdentity(blob: [0, 0, 0, byte], comment: "key \(byte)")
  }

  private func file(_ path: String, _ blob: [UInt8]?) throws -> PrivateKeyFile {
    var file = try PrivateKeyFile(
      path: path,
      bytes: Array("-----BEGIN PRIVATE KEY-----\n".utf8),
      publicFile: []
    )
    file.publicBlob = blob
    return file
  }

  private func names(_ keys: [LoginKey]) -> [String] {
    keys.map { key in
      switch key {
      case .agent(let identity): identity.comment
      case .file(let file): file.path
      }
    }
  }

  @Test func `the named file is offered first, the agent's keys next, the usual files last`() throws {
    let keys = LoginKey.order(
      identity: try file("/named", nil),
      agent: [identity(1), identity(2)],
      defaults: [try file("/usual", nil), try file("/named", nil)]
    )
    #expect(names(keys) == ["/named", "key 1", "key 2", "/usual"])
  }

  @Test func `a key that the agent holds is not asked of its file`() throws {
    let keys = LoginKey.order(
      identity: try file("/named", identity(2).blob),
      agent: [identity(1), identity(2)],
      defaults: [try file("/usual", identity(1).blob)]
    )
    #expect(names(keys) == ["key 2", "key 1"])
  }

  @Test func `files of every form are told apart, encrypted ones too`() async throws {
    try await withTestDirectory { directory in
      let cases: [(options: [String], passphrase: String, form: PrivateKeyFile.Form, isRSA: Bool)] = [
        (["-t", "ed25519"], "", .openSSH, false), (["-t", "ed25519"], "secret", .openSSH, false),
        (["-t", "rsa"], "", .openSSH, true), (["-t", "rsa"], "secret", .openSSH, true),
        (["-t", "rsa", "-m", "PEM"], "", .pem(isRSA: true), true),
        (["-t", "rsa", "-m", "PEM"], "secret", .pem(isRSA: true), true),
        (["-t", "rsa", "-m", "PKCS8"], "", .pem(isRSA: false), true),
        (["-t", "rsa", "-m", "PKCS8"], "secret", .pem(isRSA: false), true),
        (["-t", "ecdsa", "-m", "PEM"], "", .pem(isRSA: false), false),
      ]
      for (number, example) in cases.enumerated() {
        let path = directory.appendingPathComponent("key\(number)").path
        try await succeed(["ssh-keygen", "-q", "-N", example.passphrase, "-f", path] + example.options)
        let file = try #require(try PrivateKeyFile.read(path))
        #expect(file.form == example.form, "\(example)")
        #expect(file.isEncrypted == !example.passphrase.isEmpty, "\(example)")
        #expect(file.isRSA == example.isRSA, "\(example)")
        let isUsable = example.isRSA && example.passphrase.isEmpty
        #expect((RSAKey(file) != nil) == isUsable, "\(example)")
        if isUsable { #expect(RSAKey(file)?.publicBlob == file.publicBlob, "\(example)") }
      }
    }
  }

  @Test(arguments: ["", "hello", "-----BEGIN CERTIFICATE-----\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
  func `a file without a private key is refused by name`(text: String) {
    let error = #expect(throws: SSHError.self) {
      try PrivateKeyFile(path: "/some/key", bytes: Array(text.utf8), publicFile: [])
    }
    #expect(error?.message.hasPrefix("/some/key holds ") == true)
  }
}

@Suite struct AgentMessageTests {
  @Test func `keys and signatures are read, and what is cut off is refused`() {
    var list = SSHWriter()
    list.byte(12)
    list.number(2)
    for byte in [UInt8(1), 2] {
      list.string([byte])
      list.text("key \(byte)")
    }
    let identities = AgentMessages.identities(list.bytes)
    #expect(identities?.map(\.comment) == ["key 1", "key 2"])
    for count in list.bytes.indices { #expect(AgentMessages.identities(Array(list.bytes[..<count])) == nil) }

    var blob = SSHWriter()
    blob.text("rsa-sha2-512")
    blob.string([7, 8])
    var answer = SSHWriter()
    answer.byte(14)
    answer.string(blob.bytes)
    let signature = AgentMessages.signature(answer.bytes)
    #expect(signature?.algorithm == "rsa-sha2-512")
    #expect(signature?.bytes == [7, 8])
    for count in answer.bytes.indices { #expect(AgentMessages.signature(Array(answer.bytes[..<count])) == nil) }
    #expect(AgentMessages.signature(AgentMessages.failure) == nil)
  }

  @Test func `a request to sign has key, data and flags`() {
    #expect(
      AgentMessages.signRequest(key: [1], data: [2, 3], flags: 4)
        == [13, 0, 0, 0, 1, 1, 0, 0, 0, 2, 2, 3, 0, 0, 0, 4]
    )
  }

  @Test func `the algorithm is taken from what is signed`() {
    var request = SSHWriter()
    request.string([1, 2, 3])
    request.byte(50)
    for text in ["core", "ssh-connection", "publickey"] { request.text(text) }
    request.byte(1)
    request.text("rsa-sha2-256")
    request.string([9])
    #expect(KeySigner.algorithm(ofRequest: request.bytes) == "rsa-sha2-256")
    #expect(KeySigner.algorithm(ofRequest: Array(request.bytes.dropFirst(7))) == nil)
  }
}

@Suite struct StreamTargetTests {
  @Test func `channels are opened as the servers read them`() {
    #expect(
      StreamTarget.tcp(host: "a", port: 2379).openMessage
        == [0, 0, 0, 1, 97, 0, 0, 9, 0x4b, 0, 0, 0, 9] + Array("127.0.0.1".utf8) + [0, 0, 0, 0]
    )
    #expect(StreamTarget.unix(path: "/s").openMessage == [0, 0, 0, 2, 47, 115, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test func `words are quoted for a shell`() {
    #expect(ShellWord.quoted("it's $HOME") == #"'it'\''s $HOME'"#)
  }

  @Test func `an end by signal has the status that a shell gives it`() {
    #expect(RemoteExit.killed(signal: "TERM").status == 143)
    #expect(RemoteExit.interrupted(signal: 1).status == 129)
    #expect(RemoteExit.exited(7).status == 7)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import CloudConfig

/// Kinds of user-data that are no text, and what bounds them.
@Suite struct UserDataTests {
  private func read(_ bytes: [UInt8], appliesSystem: Bool = true) -> CloudConfigDocument {
    CloudConfigDocument(
      reading: bytes,
      addresses: AddressTokens(publicIPv4: "203.0.113.7", privateIPv4: "10.0.0.7"),
      specifiers: .placeholders,
      appliesSystem: appliesSystem
    )
  }

  private func message(_ parts: [String]) -> [UInt8] {
    let body = parts.map { "--b\n\($0)\n" }.joined()
    return Array("Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n\n\(body)--b--\n".utf8)
  }

  // MARK: gzip

  @Test func `a packed document is what it is unpacked, with the lines of what is inside`() throws {
    let text = Array("#cloud-config\nhostnam: a\ncoreos: {etcd2: {name: a}}\n".utf8)
    let (plain, packed, twice) = (
      read(text), read(PackedUserData.gzip(text)), read(PackedUserData.gzip(PackedUserData.gzip(text)))
    )
    #expect(plain.plan?.etcd?.name == "a")
    #expect(packed.plan == plain.plan && packed.findings == plain.findings)
    #expect(twice.plan == plain.plan)
    #expect(packed.report(file: "f") == ["f:2:1: warning: unknown key \"hostnam\"; did you mean \"hostname\"?"])
  }

  @Test func `packed scripts, messages and nothing are read too`() {
    #expect(read(PackedUserData.gzip(Array("#!/bin/sh\n".utf8))).plan?.system.scripts.first?.name == "user-data")
    let packed = PackedUserData.gzip(message(["\n#cloud-config\nhostname: a"]))
    #expect(read(packed).plan?.system.hostname == "a")
    #expect(read(PackedUserData.gzip([])).plan?.etcd == EtcdPlan())
    #expect(read([]).plan?.etcd == EtcdPlan())
  }

  @Test func `members of gzip follow each other, other bytes behind them are damage`() {
    let halves = PackedUserData.gzip(Array("#cloud-config\nhost".utf8)) + PackedUserData.gzip(Array("name: a\n".utf8))
    #expect(read(halves).plan?.system.hostname == "a")
    #expect(read(halves + Array("what is this".utf8)).report(file: "f").first?.contains("damaged") == true)
  }

  @Test func `gzip that is cut off or changed anywhere is refused, or has the same content`() {
    let text = Array("#cloud-config\nhostname: a\n".utf8)
    let packed = PackedUserData.gzip(text)
    for count in 2..<packed.count { #expect(read(Array(packed[..<count])).hasErrors, "\(count)") }
    for index in packed.indices {
      var changed = packed
      changed[index] ^= 0x20
      #expect(throws: Never.self) {
        if let content = try? Gzip.unpack(changed, limit: 100) { #expect(content == text) }
      }
    }
  }

  @Test func `what is unpacked is bounded, alone and in parts together`() {
    let large = PackedUserData.gzip([UInt8](repeating: 0x20, count: UserDataLimits.unpackedBytes + 1))
    #expect(read(large).report(file: "f") == ["f:1:1: error: more than 16777216 bytes come out of the gzip data"])
    let script = PackedUserData.gzip(Array("#!/bin/sh\n".utf8) + [UInt8](repeating: 0x20, count: 600))
    let part = "Content-Transfer-Encoding: base64\n\n\(Base64Text.encode(script))"
    #expect(UserDataReader(message([part]), room: 1_000).parts.count == 1)
    let both = UserDataReader(message([part, part]), room: 1_000)
    #expect(both.parts.count == 1 && both.log.hasErrors)
    #expect(both.log.sorted.first?.message == "more than 390 bytes come out of the gzip data")
    let file = "{path: /a, encoding: gz+b64, content: \(Base64Text.encode(large))}"
    #expect(read(Array("#cloud-config\nwrite_files: [\(file)]\n".utf8)).hasErrors)
  }

  @Test func `user-data is bounded as it is stored`() {
    let text = "#cloud-config\n#" + String(repeating: "x", count: CloudConfigDocument.maximumBytes)
    let report = read(Array(text.utf8)).report(file: "f")
    #expect(report.count == 1 && report[0].contains("at most 1048576 are read"), "\(report)")
    #expect(!read(PackedUserData.gzip(Array(text.utf8))).hasErrors)
  }

  // MARK: Messages

  @Test func `messages are bounded in depth and parts`() {
    let parts = Array(repeating: "\n#!/bin/sh", count: UserDataLimits.parts)
    #expect(read(message(parts)).plan?.system.scripts.count == 100)
    #expect(
      read(message(parts + ["\n#!/bin/sh"])).report(file: "f") == [
        "f:305:1: error: the message has more than 100 parts"
      ]
    )
    var inner = "\n#!/bin/sh"
    for level in 0..<20 {
      inner = "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n\(inner)\n--b\(level)--"
    }
    let report = read(message([inner])).report(file: "f")
    #expect(report.count == 1 && report[0].contains("more than 8 deep"), "\(report)")
  }

  @Test func `a message inside base64 inside a message is read, up to the same depth`() {
    var bytes = Array("#!/bin/sh\n".utf8)
    for _ in 0..<3 { bytes = message(["Content-Transfer-Encoding: base64\n\n\(Base64Text.encode(bytes))"]) }
    #expect(read(bytes).plan?.system.scripts.count == 1)
    for _ in 0..<8 { bytes = message(["Content-Transfer-Encoding: base64\n\n\(Base64Text.encode(bytes))"]) }
    #expect(read(bytes).hasErrors)
  }

  @Test func `a unit's text in a message is found at its own line`() {
    let unit = "coreos:\n  units:\n    - name: a.service\n      content: |\n        [Service]\n        command: start"
    let report = read(message(["Content-Type: text/cloud-config\n\n\(unit)"])).report(file: "f")
    #expect(report.count == 1 && report[0].hasPrefix("f:12:9: warning: \"command: start\""), "\(report)")
  }

  // MARK: Plans without a cloud-config

  @Test func `nothing and scripts start the node as without user-data, variables of the process count`() {
    for bytes in [Array("\n  \n".utf8), Array("#!/bin/sh\n".utf8)] {
      let document = CloudConfigDocument(
        reading: bytes,
        addresses: .placeholders,
        specifiers: .placeholders,
        environment: ["ETCD_NAME": "a"]
      )
      #expect(document.plan?.etcd == EtcdPlan(name: "a") && document.plan?.fleet == FleetPlan())
      #expect(document.findings.count == 1 && document.findings[0].severity == .info)
    }
  }

  @Test func `what is not carried out is said once, and not at all when it is`() {
    let text = Array("#cloud-config\nhostname: a\nusers: [{name: a}]\ncoreos: {fleet: {}}\n".utf8)
    #expect(
      read(text, appliesSystem: false).report(file: "f")
        == ["f:2:1: info: hostname and users: carried out only by a node with --apply-system"]
    )
    #expect(read(text).findings.isEmpty)
  }

  @Test func `addresses become variables, and metadata is added`() {
    let document = CloudConfigDocument(
      reading: Array("#cloud-config\nssh_authorized_keys: [ssh-rsa one]\n".utf8),
      addresses: AddressTokens(publicIPv4: "203.0.113.7", privateIPv6: ""),
      specifiers: .placeholders,
      metadata: MachineMetadata(hostname: "meta", sshAuthorizedKeys: ["ssh-rsa two"])
    )
    #expect(document.plan?.system.addresses == [.init(name: "COREOS_PUBLIC_IPV4", value: "203.0.113.7")])
    #expect(document.plan?.system.hostname == "meta")
    #expect(document.plan?.system.sshAuthorizedKeys == ["ssh-rsa one", "ssh-rsa two"])
  }

  @Test func `only a node's own units are the node's`() {
    let text = "#cloud-config\ncoreos: {units: [{name: a.service, command: start, content: \"[Service]\"}]}\n"
    #expect(read(Array(text.utf8)).plan?.unitsOfNode.count == 1)
    let plan = read(Array("\(text)coracle: {local-units: systemd}\n".utf8)).plan
    #expect(plan?.localUnits.count == 1 && plan?.unitsOfNode.isEmpty == true)
  }
}

/// Writes base64.
enum Base64Text {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for position in 0..<4 {
        text.append(position <= group.count ? digits[bits >> (18 - 6 * position) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

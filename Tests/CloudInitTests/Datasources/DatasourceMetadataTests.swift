// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Testing

@testable import CloudInit

/// How answers become metadata.
@Suite struct DatasourceMetadataTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func `OpenStack's hostname, keys and addresses`() throws {
    let metadata = try MachineMetadata.openStack(
      bytes(
        #"{"hostname": "node-1.novalocal", "public_keys": {"a": "ssh-rsa AAAA a\n", "b": "ssh-rsa BBBB b"}, "uuid": "x"}"#
      ),
      network: bytes(
        #"{"networks": [{"type": "ipv4_dhcp"}, {"type": "ipv4", "ip_address": "10.0.0.7"}, {"type": "ipv4","#
          + #""ip_address": "203.0.113.9"}, {"type": "ipv6", "ip_address": "2001:DB8::7/64"}]}"#
      )
    )
    #expect(metadata.hostname == "node-1.novalocal")
    #expect(metadata.sshAuthorizedKeys == ["ssh-rsa AAAA a", "ssh-rsa BBBB b"])
    #expect(
      metadata.addresses
        == AddressTokens(publicIPv4: "203.0.113.9", privateIPv4: "10.0.0.7", publicIPv6: "2001:db8::7")
    )
    #expect(throws: (any Error).self) { try MachineMetadata.openStack(bytes("{"), network: nil) }
  }

  @Test func `OpenStack's interfaces in Debian's form`() throws {
    let text = #"{"network_config": {"content_path": "/content/0000"}}"#
    #expect(MachineMetadata.interfacesPath(inOpenStack: bytes(text)) == "/content/0000")
    #expect(
      MachineMetadata.interfacesPath(inOpenStack: bytes(#"{"network_config": {"content_path": "/../etc/shadow"}}"#))
        == nil
    )
    let metadata = try MachineMetadata.openStack(
      bytes(text),
      network: nil,
      interfaces: bytes(
        "auto eth0\niface eth0 inet static\n  address 192.168.5.6\n  netmask 255.255.255.0\n  address x\n"
      )
    )
    #expect(metadata.addresses == AddressTokens(privateIPv4: "192.168.5.6"))
  }

  @Test func `DigitalOcean's document`() throws {
    let metadata = try MachineMetadata.digitalOcean(
      bytes(
        #"{"hostname":"droplet","public_keys":["ssh-rsa A","ssh-rsa B"],"interfaces":{"public":[{"ipv4":"#
          + #"{"ip_address":"198.51.100.4"},"ipv6":{"ip_address":"2001:db8::4"}}],"private":[{"ipv4":{"ip_address":"10.1.2.3"}}]}}"#
      )
    )
    #expect(metadata.hostname == "droplet" && metadata.sshAuthorizedKeys == ["ssh-rsa A", "ssh-rsa B"])
    #expect(
      metadata.addresses
        == AddressTokens(publicIPv4: "198.51.100.4", privateIPv4: "10.1.2.3", publicIPv6: "2001:db8::4")
    )
  }

  @Test func `a seed's YAML, and what the words say above it`() throws {
    let text = "instance-id: i-1\r\nlocal-hostname: node-2\r\npublic-keys:\r\n  - ssh-rsa A a\r\n  - ssh-rsa B b\r\n"
    let metadata = try MachineMetadata.noCloud(bytes(text), seed: nil)
    #expect(metadata.hostname == "node-2" && metadata.sshAuthorizedKeys == ["ssh-rsa A a", "ssh-rsa B b"])
    #expect(try MachineMetadata.noCloud(bytes(text), seed: NoCloudSeed("ds=nocloud;h=n3")).hostname == "n3")
    #expect(try MachineMetadata.noCloud([], seed: nil) == MachineMetadata())
    #expect(try MachineMetadata.noCloud(bytes(#"{"hostname": "json"}"#), seed: nil).hostname == "json")
    #expect(throws: MetadataDocument.Failure.self) { try MachineMetadata.noCloud(bytes("- a\n"), seed: nil) }
    #expect {
      try MachineMetadata.noCloud(bytes("a: b\nlocal-hostname: [x\n"), seed: nil)
    } throws: {
      "\($0)".hasPrefix("line ")
    }
  }

  @Test func `Google's lines of users and keys`() {
    let lines =
      "core:ssh-rsa A core@x\nbroken\nann:ssh-rsa B google-ssh {\"userName\":\"a\",\"expireOn\":\"2016\"}\nbob:ssh-rsa C\n"
    #expect(MachineMetadata.keys(inGoogleLines: lines) == ["ssh-rsa A core@x", "ssh-rsa C"])
  }

  @Test(
    arguments: [
      ("node-1", "node-1"), ("ip-10-0-0-1.ec2.internal another", "ip-10-0-0-1.ec2.internal"), (" n \n", "n"),
      ("a/b", nil),
      ("-x", nil), ("", nil), ("a;reboot", nil), (String(repeating: "a", count: 254), nil),
    ] as [(String, String?)]
  )
  func `a hostname is taken up to the first blank, and only if it is one`(text: String, expected: String?) {
    #expect(MachineMetadata(hostname: text, keys: []).hostname == expected)
  }

  @Test func `the addresses that are told stand below the environment and above the interfaces`() {
    let addresses = AddressTokens.detect(
      environment: ["COREOS_PRIVATE_IPV4": "10.9.9.9"],
      told: AddressTokens(publicIPv4: "203.0.113.1", privateIPv4: "10.8.8.8"),
      addresses: [InterfaceAddress(interface: "eth0", text: "192.168.1.2", isIPv6: false)],
      defaultInterface: nil
    )
    #expect(addresses == AddressTokens(publicIPv4: "203.0.113.1", privateIPv4: "10.9.9.9"))
  }

  @Test func `user-data is kept with where it came from`() async throws {
    let directory = DataDirectory(path: try TemporaryDirectory().path + "/data")
    let found = FoundUserData(
      source: .ec2(base: "http://h:1"),
      userData: UserData(name: "http://h:1/user-data", bytes: bytes("#cloud-config\n")),
      metadata: MachineMetadata(
        hostname: "h",
        sshAuthorizedKeys: ["ssh-rsa A"],
        addresses: AddressTokens(publicIPv4: "203.0.113.1", privateIPv6: "fd00::1")
      )
    )
    try await directory.keepLastGoodUserData(found)
    let kept = try #require(try await directory.lastGoodUserData())
    #expect(kept.userData == UserData(name: "\(directory.path)/user-data", bytes: bytes("#cloud-config\n")))
    #expect(kept.source == found.source && kept.metadata == found.metadata)

    // None is no reason to forget.
    try await directory.keepLastGoodUserData(FoundUserData(source: .vmware, userData: nil))
    #expect(try await directory.lastGoodUserData() == kept)
  }
}

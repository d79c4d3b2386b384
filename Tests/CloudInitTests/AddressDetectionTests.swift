// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Testing

@testable import CloudInit

@Suite struct AddressDetectionTests {
  private let addresses = [
    InterfaceAddress(interface: "docker0", text: "172.17.0.1", isIPv6: false),
    InterfaceAddress(interface: "eth1", text: "10.0.0.7", isIPv6: false),
    InterfaceAddress(interface: "eth0", text: "203.0.113.7", isIPv6: false),
    InterfaceAddress(interface: "eth0", text: "fe80::1%eth0", isIPv6: true),
    InterfaceAddress(interface: "eth0", text: "2001:db8::7", isIPv6: true),
  ]

  private func detect(_ environment: [String: String] = [:], _ interface: String? = "eth0") -> AddressTokens {
    AddressTokens.detect(environment: environment, addresses: addresses, defaultInterface: interface)
  }

  @Test func `a private address is private, any other public, bridges are neither`() {
    let found = detect()
    #expect(found.publicIPv4 == "203.0.113.7")
    #expect(found.privateIPv4 == "10.0.0.7")
    #expect(found.publicIPv6 == "2001:db8::7")
    #expect(found.privateIPv6 == "2001:db8::7")
  }

  @Test func `one address stands for both`() {
    let one = AddressTokens.detect(
      environment: [:],
      addresses: [InterfaceAddress(interface: "eth0", text: "192.168.1.2", isIPv6: false)],
      defaultInterface: nil
    )
    #expect(one.publicIPv4 == "192.168.1.2")
    #expect(one.privateIPv4 == "192.168.1.2")
    #expect(one.publicIPv6 == nil)
  }

  @Test func `the environment wins`() {
    let found = detect(["COREOS_PRIVATE_IPV4": "10.9.9.9", "COREOS_PUBLIC_IPV4": ""])
    #expect(found.privateIPv4 == "10.9.9.9")
    #expect(found.publicIPv4 == "203.0.113.7")
  }

  @Test func `a computer without network has no address`() {
    #expect(AddressTokens.detect(environment: [:], addresses: [], defaultInterface: nil) == AddressTokens())
  }

  @Test func `the default route with the least metric names the interface`() {
    let routes = """
      Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
      wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
      eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
      eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
      """
    #expect(AddressTokens.defaultInterface(routes: routes) == "eth0")
    #expect(AddressTokens.defaultInterface(routes: "Iface\n") == nil)
  }
}

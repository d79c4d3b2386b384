// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import CloudConfig

@Suite struct EngineSocketTests {
  private func sockets(_ text: String, others: String = "") throws -> [EngineSocketPlan] {
    let lines = text.split(separator: "\n").map { "        \($0)\n" }.joined()
    let document = CloudConfigDocument(
      reading: Array(
        "#cloud-config\ncoreos:\n  units:\n    - name: docker-tcp.socket\n      command: start\n      content: |\n\(lines)\(others)"
          .utf8
      ),
      addresses: .placeholders,
      specifiers: .placeholders
    )
    return try #require(document.plan, "\(document.report(file: "f"))").engineSockets
  }

  private func places(_ text: String) throws -> [String] {
    try sockets("[Socket]\n\(text)\nService=docker.service").flatMap(\.places)
      .map { $0.listener.place + ($0.isOptional ? "?" : "") + ($0.isOpen ? "!" : "") }
  }

  @Test func `the text that everybody used listens on loopback`() throws {
    let text = """
      [Unit]
      Description=Docker Socket for the API
      [Socket]
      ListenStream=2375
      BindIPv6Only=both
      Service=docker.service
      [Install]
      WantedBy=sockets.target
      """
    let plan = try #require(try sockets(text).first)
    #expect(plan.unit == "docker-tcp.socket")
    #expect(
      plan.places == [
        .init(SocketListener(kind: .stream, address: .ipv4("127.0.0.1", 2375))),
        .init(SocketListener(kind: .stream, address: .ipv6("::1", 2375)), isOptional: true),
      ]
    )
    #expect(plan.settings.ipv6Binding == .both)
  }

  @Test func `a port alone stays on loopback, and what is given is kept`() throws {
    #expect(try places("ListenStream=1\nListenStream=2\nBindIPv6Only=ipv6-only") == ["[::1]:1", "[::1]:2"])
    #expect(try places("ListenStream=1") == ["127.0.0.1:1", "[::1]:1?"])
    #expect(try places("ListenStream=0.0.0.0:1\nListenStream=10.0.0.1:1") == ["0.0.0.0:1!", "10.0.0.1:1!"])
    #expect(try places("ListenStream=[::]:1\nBindIPv6Only=both") == ["[::]:1!"])
    #expect(try places("ListenStream=/run/d.sock\nListenStream=@d") == ["/run/d.sock", "@d"])
    // What was listed before an empty line is dropped, and nothing is listened on twice.
    #expect(
      try places("ListenStream=9\nListenStream=\nListenStream=127.0.0.1:1\nListenStream=1") == [
        "127.0.0.1:1", "[::1]:1?",
      ]
    )
  }

  @Test(arguments: ["::1", "0:0:0:0:0:0:0:1", "0::0001", "::ffff:127.0.0.1", "::FFFF:127.1.2.3"])
  func `loopback is known in every spelling`(host: String) {
    #expect(!EngineSocketPlan.Place(SocketListener(kind: .stream, address: .ipv6(host, 1))).isOpen)
  }

  @Test(arguments: ["::", "1::", "::2", "::1:1", "fe80::1", "::ffff:10.0.0.1"])
  func `other addresses are open to the network`(host: String) {
    #expect(EngineSocketPlan.Place(SocketListener(kind: .stream, address: .ipv6(host, 1))).isOpen)
  }

  @Test func `a file is for root and its group unless the unit says otherwise`() throws {
    let text = "[Socket]\nListenStream=/run/d.sock\nService=docker.service\n"
    #expect(try sockets(text).first?.settings.mode == 0o660)
    let own = try #require(try sockets(text + "SocketMode=0600\nSocketGroup=docker\nSocketUser=core\n").first)
    #expect(own.settings.mode == 0o600 && own.group == "docker" && own.user == "core")
  }

  @Test func `drop-ins count`() throws {
    let dropIns =
      "      drop-ins:\n        - {name: 10-a.conf, content: \"[Socket]\\nListenStream=\\nListenStream=7\"}\n"
    let plan = try sockets("[Socket]\nListenStream=2375\nService=docker.service", others: dropIns)
    #expect(plan.flatMap(\.places).map(\.listener.place) == ["127.0.0.1:7", "[::1]:7"])
  }
}

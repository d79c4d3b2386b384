// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

/// `Announce=` of `[X-Fleet]` and `[X-Coracle]`.
@Suite struct ServiceAnnouncementTests {
  @Test func `a name and a port are enough`() throws {
    #expect(try ServiceAnnouncement(parsing: "web:8080") == ServiceAnnouncement(name: "web", port: 8080))
    #expect(
      try ServiceAnnouncement(parsing: " dns:53/udp  tags=a,b attr.Region=eu id=x1 ")
        == ServiceAnnouncement(
          name: "dns",
          port: 53,
          transport: "udp",
          id: "x1",
          tags: ["a", "b"],
          attributes: ["region": "eu"]
        )
    )
  }

  @Test func `a check says what is asked where, how often and how patiently`() throws {
    let plain = try #require(try ServiceAnnouncement(parsing: "web:8080 check=tcp").check)
    #expect(plain == ServiceCheck(kind: .tcp, host: "127.0.0.1", port: 8080))
    #expect((plain.interval, plain.timeout, plain.retries) == (.seconds(10), .seconds(2), 3))
    let text = "web:80 check=http:/health?x=1 interval=500ms timeout=1s retries=1"
    let path = try ServiceAnnouncement(parsing: text).check
    var expected = ServiceCheck(kind: .http(path: "/health?x=1"), host: "127.0.0.1", port: 80)
    (expected.interval, expected.timeout, expected.retries) = (.milliseconds(500), .seconds(1), 1)
    #expect(path == expected)
    let elsewhere = try ServiceAnnouncement(parsing: "dns:53/udp check=http://[::1]:8053").check
    #expect(elsewhere == ServiceCheck(kind: .http(path: "/"), host: "::1", port: 8053))
    let other = try ServiceAnnouncement(parsing: "web:80 check=tcp://db.local:5432").check
    #expect(other == ServiceCheck(kind: .tcp, host: "db.local", port: 5432))
  }

  @Test(arguments: [
    ("web", "NAME:PORT[/udp]"), (":80", "NAME:PORT[/udp]"), ("web:0", "NAME:PORT[/udp]"),
    ("web:70000", "NAME:PORT[/udp]"), ("web:80/sctp", "tcp or udp after the port"),
    ("web:80 x", "KEY=VALUE after the port"),
    ("web:80 intervall=1s", "one of check, interval, timeout, retries, id, tags, attr.NAME instead of intervall"),
    ("web:80 interval=1s", "check= beside its settings"), ("web:80 check=tcp check=tcp", "check= once"),
    ("web:80 check=tcp interval=1ms", "interval= from 100ms to 1h"),
    ("web:80 check=tcp retries=0", "retries= from 1 to 100"),
    ("web:80 check=ping", "check= with tcp, http:/path, tcp://host:port or http://host:port/path"),
    ("web:80 check=http://host/path", "check= with tcp, http:/path, tcp://host:port or http://host:port/path"),
    ("dns:53/udp check=tcp", "no tcp check of a udp port"),
  ])
  func `what cannot be read says what was expected`(text: String, expected: String) {
    #expect(throws: ServiceAnnouncementError(expected)) { try ServiceAnnouncement(parsing: text) }
  }

  @Test func `a file's announcements have its name in them, and an empty one takes back`() throws {
    let file = try UnitFile(
      parsing: """
        [Service]
        ExecStart=/bin/web
        Announce=elsewhere:1
        [X-Fleet]
        Announce=old:1
        Announce=
        Announce=%p-%i:80
        Announce=broken
        [X-Coracle]
        Announce=api:81
        Anounce=api:82
        """
    )
    let read = UnitAnnouncements(of: file, unitName: try UnitName("web@blue.service"))
    #expect(read.services.map(\.name) == ["web-blue", "api"])
    #expect(
      read.problems.map(\.description) == [
        "Announce=broken in [X-Fleet] is ignored: expected NAME:PORT[/udp]",
        "Anounce= in [X-Coracle] is unknown and has no effect",
      ]
    )
    #expect(file.unrecognizedRequirements.isEmpty, "the scheduler knows the option too")
  }

  @Test func `a unit has a limit of announcements`() throws {
    let lines = (1...ServiceAnnouncement.limit + 1).map { "Announce=a:\($0)" }.joined(separator: "\n")
    let read = UnitAnnouncements(
      of: try UnitFile(parsing: "[X-Fleet]\n\(lines)\n"),
      unitName: try UnitName("a.service")
    )
    #expect(read.services.count == ServiceAnnouncement.limit)
    #expect(read.problems.count == 1)
  }
}

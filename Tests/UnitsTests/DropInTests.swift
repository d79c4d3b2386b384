// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct DropInTests {
  @Test(arguments: [
    ("web.service", ["web.service.d", "service.d"]),
    ("web@.service", ["web@.service.d", "service.d"]),
    ("web@1.service", ["web@1.service.d", "web@.service.d", "service.d"]),
    ("a-b-c.timer", ["a-b-c.timer.d", "a-b-.timer.d", "a-.timer.d", "timer.d"]),
    ("a-b@1.service", ["a-b@1.service.d", "a-b@.service.d", "a-@1.service.d", "a-@.service.d", "service.d"]),
  ])
  func `a unit's drop-ins stand in these directories, the closest first`(name: String, expected: [String]) throws {
    #expect(DropIn.directories(of: try UnitName(name)) == expected)
  }

  @Test func `drop-ins are read by file name, and the closest of one name wins`() throws {
    let dropIns = [
      DropIn(directory: "service.d", name: "20-b.conf", text: "type"),
      DropIn(directory: "web@.service.d", name: "20-b.conf", text: "template"),
      DropIn(directory: "web@.service.d", name: "30-c.conf", text: "template"),
      DropIn(directory: "web@1.service.d", name: "20-b.conf", text: "instance"),
      DropIn(directory: "web@1.service.d", name: "20-b.conf", text: "instance, elsewhere"),
      DropIn(directory: "web@2.service.d", name: "10-a.conf", text: "other"),
      DropIn(directory: "service.d", name: "10-a.conf", text: "type"),
      DropIn(directory: "service.d", name: "README", text: "no"),
    ]
    let selected = DropIn.selected(dropIns, for: try UnitName("web@1.service"))
    #expect(selected.map(\.name) == ["10-a.conf", "20-b.conf", "30-c.conf"])
    #expect(selected.map(\.text) == ["type", "instance", "template"])
  }

  @Test func `a drop-in adds, overrides and resets, and one that cannot be read is named`() throws {
    let file = try UnitFile(parsing: "[Service]\nExecStart=/bin/a\nEnvironment=A=1 B=1\nUser=x")
    let unit = try UnitName("web.service")
    let (whole, problems) = file.adding(
      [
        DropIn(directory: "web.service.d", name: "b.conf", text: "[Service]\nExecStart=\nExecStart=/bin/b\n"),
        DropIn(directory: "web.service.d", name: "a.conf", text: "[Service]\nEnvironment=B=2\n[Unit]\nAfter=c.service"),
        DropIn(directory: "web.service.d", name: "c.conf", text: "[Service]\nUser"),
      ],
      for: unit
    )
    let definition = ServiceReading(whole, name: unit).definition
    #expect(definition.commands(.start).map(\.program) == ["/bin/b"])
    #expect(definition.execution.environment.map { "\($0.name)\($0.value)" } == ["A1", "B1", "B2"])
    #expect(definition.execution.user == "x")
    #expect(definition.dependencies[.after] == ["c.service"])
    #expect(problems == ["drop-in web.service.d/c.conf:2: EOF"])
  }
}

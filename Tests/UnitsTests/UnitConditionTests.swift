// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct UnitConditionTests {
  private var facts: ConditionFacts {
    var specifiers = SpecifierValues(
      machineID: "0123456789abcdef0123456789abcdef",
      bootID: "",
      hostName: "web-1.example",
      kernelRelease: "5.15.0-91-generic",
      architecture: "x86-64",
      operatingSystem: SpecifierValues.OperatingSystem([
        EnvironmentAssignment(name: "ID", value: "debian"), EnvironmentAssignment(name: "VERSION_ID", value: "12"),
      ])
    )
    specifiers.userName = "core"
    specifiers.userID = "500"
    var facts = ConditionFacts(specifiers: specifiers) { subject, path in
      path == "/there" && subject == .pathExists || path == "/dir" && subject == .pathIsDirectory
    }
    facts.kernelCommandLine = ["quiet", "root=/dev/sda"]
    facts.environment = ["LANG": "C", "EMPTY": ""]
    facts.groups = ["0", "root", "docker"]
    facts.virtualMachine = "kvm"
    facts.memory = 4 << 30
    facts.processors = 4
    return facts
  }

  private func unmet(_ lines: String) throws -> String? {
    let reading = ServiceReading(
      try UnitFile(parsing: "[Unit]\n\(lines)\n[Service]\nExecStart=/bin/true"),
      name: try UnitName("a@b.service")
    )
    #expect(reading.findings.isEmpty)
    return UnitCondition.unmet(reading.definition.conditions, facts)?.description
  }

  @Test(arguments: [
    "PathExists=/there", "PathIsDirectory=/dir", "PathExists=!/gone", "Architecture=x86-64", "Architecture=native",
    "Architecture=!arm64", "Virtualization=yes", "Virtualization=vm", "Virtualization=kvm", "Virtualization=!container",
    "Host=web-1.example", "Host=WEB-*", "Host=01234567-89ab-cdef-0123-456789abcdef", "KernelCommandLine=quiet",
    "KernelCommandLine=root", "KernelCommandLine=root=/dev/sda", "KernelVersion=>=5.4", "KernelVersion=< 6",
    "KernelVersion=>=5.4 <5.16", "KernelVersion=5.15.*", "KernelVersion=!=5.14", "Environment=LANG",
    "Environment=LANG=C", "Environment=EMPTY", "User=core", "User=500", "User=@system", "User=!root", "Group=docker",
    "Group=0", "Memory=1G", "Memory=>=4G", "Memory=<8G", "CPUs=4", "CPUs=>2", "OSRelease=ID=debian",
    "OSRelease=ID!=fedora VERSION_ID>=11",
  ])
  func `a condition that holds`(condition: String) throws {
    #expect(try unmet("Condition\(condition)") == nil)
    #expect(try unmet("Assert\(condition)") == nil)
  }

  @Test(arguments: [
    "PathExists=/gone", "PathExists=!/there", "PathIsDirectory=/there", "Architecture=arm64", "Virtualization=no",
    "Virtualization=container", "Virtualization=docker", "Host=db-*", "KernelCommandLine=qui",
    "KernelCommandLine=root=/dev/sdb", "KernelVersion=>5.15.0-91-generic", "KernelVersion=>=5.4 <5.15",
    "KernelVersion=6.*", "Environment=PATH", "Environment=LANG=D", "User=root", "Group=wheel", "Memory=5G",
    "CPUs=<4", "CPUs=many", "OSRelease=ID=fedora", "OSRelease=ID=debian VERSION_ID<12", "OSRelease=ID",
  ])
  func `a condition that does not hold`(condition: String) throws {
    #expect(try unmet("Condition\(condition)") == "Condition\(condition)")
  }

  @Test func `all have to hold, and of those with a bar one`() throws {
    #expect(try unmet("ConditionPathExists=/there\nConditionUser=root") == "ConditionUser=root")
    #expect(try unmet("ConditionUser=|root\nConditionPathExists=|/there") == nil)
    #expect(try unmet("ConditionUser=|root\nConditionUser=|!core") == "ConditionUser=|!core")
    #expect(try unmet("ConditionUser=|root\nConditionUser=|core\nConditionGroup=wheel") == "ConditionGroup=wheel")
    #expect(try unmet("ConditionUser=root\nConditionUser=\nAssertUser=core") == nil)
    #expect(try unmet("ConditionPathExists=/%i") == "ConditionPathExists=/b")
  }

  @Test func `a path that is none is passed over, with a word`() throws {
    let reading = ServiceReading(
      try UnitFile(parsing: "[Unit]\nConditionPathExists=there\n[Service]\nExecStart=/bin/true"),
      name: try UnitName("a.service")
    )
    #expect(reading.definition.conditions.isEmpty)
    #expect(reading.findings.map(\.severity) == [.warning])
  }

  @Test(arguments: [
    ("1", "2", -1), ("5.15", "5.4", 1), ("5.15.0", "5.15", 1), ("1.0~rc1", "1.0", -1), ("1.0", "1.0", 0),
    ("1a", "1b", -1),
    ("6.1.0-13", "6.1.0-9", 1), ("007", "7", 0), ("1.0-1", "1.0.1", -1), ("", "1", -1), ("a", "1", -1),
  ])
  func `versions have an order`(one: String, other: String, order: Int) {
    #expect(VersionComparison.compare(one, other) == order)
    #expect(VersionComparison.compare(other, one) == -order)
  }
}

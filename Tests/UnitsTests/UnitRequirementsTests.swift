// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct UnitRequirementsTests {
  @Test func `requirements are extracted as fleet does`() throws {
    // A name with a percent sign is refused here, so fleet's replacing inside replaced text cannot be seen.
    for vector in try FleetVectors.load().requirements where !vector.unit.contains("%") {
      let file = try UnitFile(parsing: "[X-Fleet]\n" + vector.xfleet)
      let requirements = UnitRequirements(of: file, unitName: vector.unit)
      #expect((requirements.machineID != nil) == vector.hasMachineID, "\(vector.xfleet)")
      #expect(requirements.machineID ?? "" == vector.machineID, "\(vector.xfleet)")
      let metadata = requirements.metadata.map { ($0.key, $0.values) }
      #expect(Dictionary(uniqueKeysWithValues: metadata) == vector.metadata, "\(vector.xfleet)")
      #expect(requirements.peers == vector.peers, "\(vector.xfleet)")
      #expect(requirements.conflicts.map(\.text) == vector.conflicts, "\(vector.xfleet)")
      #expect(requirements.replaces.map(\.text) == vector.replaces, "\(vector.xfleet)")
      #expect(requirements.isGlobal == vector.global, "\(vector.xfleet)")
    }
  }

  @Test(arguments: [
    ("MachineID=a\nMachineOf=b.service\n", "MachineID cannot be used with Peers"),
    ("MachineID=a\nConflicts=b\n", "MachineID cannot be used with Conflicts"),
    ("MachineID=a\nGlobal=true\n", "MachineID cannot be used with Global"),
    ("MachineID=a\nReplaces=b\n", "MachineID cannot be used with Replaces"),
    ("Global=true\nMachineOf=b.service\n", "Global cannot be used with Peers"),
    ("Global=true\nReplaces=b\n", "Global cannot be used with Replaces"),
    ("Conflicts=a\nReplaces=b\n", "Conflicts cannot be used with Replaces"),
    ("MachineOf=a.service\nConflicts=a*\n", "unresolvable requirements: peer \"a.service\" matches conflict \"a*\""),
    ("MachineOf=a.service\nReplaces=a*\n", "unresolvable requirements: peer \"a.service\" matches replace \"a*\""),
  ])
  func `requirements that exclude each other are refused`(section: String, expected: String) throws {
    let file = try UnitFile(parsing: "[X-Fleet]\n" + section)
    let error = #expect(throws: UnitRequirementsError.self) { try file.validateRequirements() }
    #expect(error?.description == expected)
  }

  @Test(arguments: [
    "MachineID=a\nMachineMetadata=b=c\n", "Global=true\nMachineMetadata=b=c\n", "Global=true\nConflicts=a\n",
    "MachineOf=a.service\nMachineMetadata=b=c\n", "MachineOf=a.service\nConflicts=b\n",
    "MachineOf=a.service\nReplaces=b\n", "Replaces=a\nMachineMetadata=b=c\n", "Bogus=1\n",
    "MachineOf=%p.service\nConflicts=inv.service\n",
  ])
  func `requirements that go together are accepted`(section: String) throws {
    try UnitFile(parsing: "[X-Fleet]\n" + section).validateRequirements()
  }

  @Test func `a file whose text does not parse back is refused`() throws {
    let long = UnitFile(options: [UnitOption(section: "A", name: "b", value: String(repeating: "x", count: 3000))])
    #expect(throws: UnitRequirementsError.unparsable(.lineTooLong(line: 2))) { try long.validateRequirements() }
  }

  @Test func `options that mean nothing are named once each`() throws {
    let file = try UnitFile(parsing: "[X-Fleet]\nMachineIDD=1\nGlobal=true\nMachineIDD=2\nFoo=1\n")
    #expect(file.unrecognizedRequirements == ["MachineIDD", "Foo"])
  }
}

@Suite struct NamePatternTests {
  @Test(arguments: [
    ("*", "a.service", true), ("*", "a/b", false), ("a*c", "abbc", true), ("a*c", "abbd", false),
    ("a*b*c", "aXbYbZc", true), ("?", "a", true), ("?", "", false), ("b?.service", "b12.service", false),
    ("b[0-9].service", "b1.service", true), ("b[^0-9]", "bx", true), ("b[^0-9]", "b1", false),
    ("b[ac-e]", "bd", true), ("b[\\]]", "b]", true), ("b\\*", "b*", true), ("b\\*", "bx", false),
    ("b\\x2d1", "b\\x2d1", false), ("{a,b}", "a", false), ("", "", true), ("", "a", false),
    ("a**b", "ab", true), ("*a", "ba", true), ("[z-a]", "m", false), ("é*", "éa", true),
  ])
  func `patterns match as Go's path Match does`(pattern: String, name: String, expected: Bool) {
    #expect(NamePattern(pattern).matches(name) == expected)
  }

  @Test(arguments: ["b[", "b[]", "b[a", "b[-]", "b[a-]", "b\\", "[]a]"])
  func `a malformed pattern matches nothing`(pattern: String) {
    for name in ["b", "b[", "ba", "b-", "b\\", "]", pattern] {
      #expect(!NamePattern(pattern).matches(name), "\(name)")
    }
  }
}

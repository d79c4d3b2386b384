// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct UnitNameTests {
  @Test func `every name is taken apart as fleet does`() throws {
    for vector in try FleetVectors.load().names {
      if let expected = vector.error {
        let error = #expect(throws: UnitNameError.self, "\(vector.name)") { try UnitName(vector.name) }
        #expect(error?.description == expected)
        continue
      }
      let name = try UnitName(vector.name)
      #expect(name.nameWithoutSuffix == vector.N)
      #expect(name.prefix == vector.prefix)
      #expect(name.instance ?? "" == vector.instance)
      #expect(name.isInstance == vector.isInstance)
      #expect(name.isTemplate == vector.isTemplate)
      #expect(name.template ?? "" == vector.template)
    }
  }

  @Test(arguments: [
    ("", UnitNameError.empty),
    (String(repeating: "a", count: 249) + ".service", .tooLong),
    ("foo", .noDot),
    ("foo.", .endsInDot),
    ("foo.bar", .unknownType("bar")),
    ("foo@.mount", .unknownTemplateType("mount")),
    ("fo o.service", .invalidCharacter(" ")),
    ("@foo.service", .startsWithAt),
  ])
  func `each rule has its error`(name: String, expected: UnitNameError) {
    #expect(throws: expected) { try UnitName(name) }
  }

  @Test(arguments: [".service", "a.slice", "a.timer", "a@1.timer", String(repeating: "a", count: 248) + ".service"])
  func `odd but valid names pass`(name: String) throws {
    #expect(try UnitName(name).description == name)
  }
}

@Suite struct SpecifierTests {
  let values = SpecifierValues(
    machineID: "0123456789abcdef0123456789abcdef",
    bootID: "b00t",
    hostName: "core-1.example.com",
    kernelRelease: "6.1"
  )

  @Test(arguments: [
    ("%n|%N|%p|%i", "foo-bar@a-b\\x2dc.service|foo-bar@a-b\\x2dc|foo-bar|a-b\\x2dc"),
    ("%P|%I|%f|%j", "foo/bar|a/b-c|/a/b-c|bar"),
    ("%m %b %H %l %v", "0123456789abcdef0123456789abcdef b00t core-1.example.com core-1 6.1"),
    (
      "%u %U %g %G %h %s %t %S %C %L %E %T %V",
      "root 0 root 0 /root /bin/sh /run /var/lib /var/cache /var/log /etc /tmp /var/tmp"
    ),
    ("100%% %y %", "100% %y %"),
    ("%%i", "%i"),
  ])
  func `systemd's specifiers are replaced`(text: String, expected: String) throws {
    #expect(values.expand(text, for: try UnitName("foo-bar@a-b\\x2dc.service")) == expected)
  }

  @Test func `without an instance the instance is empty`() throws {
    #expect(values.expand("[%i%I] %p %f", for: try UnitName("a.service")) == "[] a /a")
  }
}

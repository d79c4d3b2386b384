// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct UnitFileTests {
  @Test func `every file is parsed, serialised and hashed as fleet does`() throws {
    for vector in try FleetVectors.load().unit_parse {
      if let expected = vector.error {
        let error = #expect(throws: UnitFileError.self, "\(vector.case)") { try UnitFile(parsing: vector.raw) }
        #expect(error?.description == expected, "\(vector.case)")
        continue
      }
      let file = try UnitFile(parsing: vector.raw)
      let options = (vector.options ?? []).map {
        UnitOption(section: $0.section, name: $0.name, value: $0.value ?? "")
      }
      #expect(file.options == options, "\(vector.case)")
      #expect(file.serialized() == vector.serialized, "\(vector.case)")
      #expect(file.hash.description == vector.sha1, "\(vector.case)")
      #expect(file.unitDescription == vector.description, "\(vector.case)")
    }
  }

  @Test func `a comment that ends in a backslash swallows the next line`() throws {
    let file = try UnitFile(parsing: "[Unit]\n# note \\\nAfter=a\nBefore=b\n")
    #expect(file.options == [UnitOption(section: "Unit", name: "Before", value: "b")])
  }

  @Test func `a blank line ends a continued value, which keeps its backslash and newline`() throws {
    let file = try UnitFile(parsing: "[Service]\nExecStart=a \\\n\nUser=core\n")
    #expect(file.values("Service", "ExecStart") == ["a \\\n"])
    #expect(file.values("Service", "User") == ["core"])
  }

  @Test func `a continued line may end in CRLF`() throws {
    let file = try UnitFile(parsing: "[Service]\r\nExecStart=a \\\r\n b\r\n")
    #expect(file.values("Service", "ExecStart") == ["a \\\n b"])
  }

  @Test(arguments: [
    ("[Unit]\nA=1\n[Unit] x\n", UnitFileError.garbageAfterSection(name: "Unit", garbage: "x", line: 3)),
    ("[Unit]\nA=1\n\nB\nC=1\n", .newlineInOptionName(line: 4)),
    ("[Unit]\nA=1\n[Uni", .unterminatedSection(line: 3)),
    ("[Unit]\nA=1\nB", .unexpectedEnd(line: 3)),
    ("[Unit]\nA=\(String(repeating: "x", count: 2047))\n", .lineTooLong(line: 2)),
  ])
  func `an error names the line`(text: String, expected: UnitFileError) {
    #expect(throws: expected) { try UnitFile(parsing: text) }
  }

  @Test func `serialising what was parsed changes nothing`() throws {
    for vector in try FleetVectors.load().unit_parse where vector.error == nil {
      let file = try UnitFile(parsing: vector.raw)
      #expect(try UnitFile(parsing: file.serialized()).serialized() == file.serialized(), "\(vector.case)")
    }
  }

  @Test func `a hash reads back from its digits and refuses others`() throws {
    let hash = try UnitFile(parsing: "[Unit]\nA=1\n").hash
    #expect(UnitHash(hex: hash.description) == hash)
    #expect(UnitHash(bytes: hash.bytes) == hash)
    #expect(hash.short.count == 7)
    #expect(UnitHash(hex: String(hash.description.dropLast())) == nil)
    #expect(UnitHash(hex: String(hash.description.dropLast()) + "g") == nil)
    #expect(UnitHash(bytes: Array(hash.bytes.dropLast())) == nil)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Units

@Suite struct DirectiveTableTests {
  /// Section and name of every directive, as systemd lists them.
  private static func known() throws -> Set<String> {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/systemd-252-directives.txt")
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
    return Set(lines.filter { !$0.hasPrefix("#") }.map(String.init))
  }

  private func findings(_ text: String, _ name: String = "a.service") throws -> [UnitFinding] {
    ServiceReading(try UnitFile(parsing: text), name: try UnitName(name)).findings
  }

  private func service(_ text: String) throws -> [UnitFinding] {
    try findings("[Service]\nExecStart=/bin/true\n\(text)")
  }

  @Test func `the table has every directive of systemd 252 and no other`() throws {
    let table = Set(DirectiveTable.all.map { "\($0.section) \($0.name)" })
    #expect(table == (try Self.known()))
    #expect(DirectiveTable.all.count == table.count)
  }

  @Test func `no directive stands in two groups of a section`() {
    let sections = [
      DirectiveTable.unit, DirectiveTable.install, DirectiveTable.timer, DirectiveTable.path,
      DirectiveTable.serviceLifecycle + DirectiveTable.execution + DirectiveTable.resourceControl
        + DirectiveTable.killing,
      DirectiveTable.socket + DirectiveTable.execution + DirectiveTable.resourceControl + DirectiveTable.killing,
    ]
    for groups in sections {
      let names = groups.flatMap(\.names)
      #expect(names.count == Set(names).count)
    }
  }

  @Test func `what the table has as carried out is taken by the reader`() throws {
    for directive in DirectiveTable.all where directive.standing == .carriedOut {
      let type = directive.section == "Unit" || directive.section == "Install" ? "Service" : directive.section
      let name = "a.\(type.lowercased())"
      let found = try findings("[\(type)]\nExecStart=/bin/true\n[\(directive.section)]\n\(directive.name)=", name)
      #expect(!found.contains(.notCarriedOut(section: directive.section, name: directive.name)), "\(directive)")
    }
  }

  @Test func `what is not carried out is named, what nobody misses is a note`() throws {
    for directive in DirectiveTable.all where ["Unit", "Service", "Install"].contains(directive.section) {
      let line = "[\(directive.section)]\n\(directive.name)=x"
      let found = try findings("[Service]\nExecStart=/bin/true\n\(line)\n\(line)")
      switch directive.standing {
      case .carriedOut: continue
      case .notCarriedOut:
        #expect(found == [.notCarriedOut(section: directive.section, name: directive.name)])
        #expect(found.map(\.severity) == [.warning])
      case .withoutEffect(let reason):
        #expect(found == [.withoutEffect(section: directive.section, name: directive.name, reason: reason)])
        #expect(found.map(\.severity) == [.note])
      }
    }
  }

  @Test(arguments: [
    ("Restrat=always", "Restart="), ("ExecStrat=/bin/a", "ExecStart="), ("enviroment=A=1", "Environment="),
    ("MemoryMaxx=1M", "MemoryMax="), ("LimitNOFILES=1", "LimitNOFILE="), ("After=b.service", "After= in [Unit]"),
    ("StartLimitIntervalSec=1", "StartLimitIntervalSec= in [Unit]"), ("WantedBy=x.target", "WantedBy= in [Install]"),
  ])
  func `a misspelt directive is named with what was meant`(line: String, suggestion: String) throws {
    let name = String(line.prefix { $0 != "=" })
    #expect(try service(line) == [.unknown(section: "Service", name: name, suggestion: suggestion)])
    #expect(try service(line)[0].description.hasSuffix("did you mean \(suggestion)?"))
  }

  @Test func `a directive like no other has no suggestion`() throws {
    #expect(try service("Frobnicate=1") == [.unknown(section: "Service", name: "Frobnicate", suggestion: nil)])
  }

  @Test func `a section that is not there is named once, and X- is for others`() throws {
    #expect(
      try service("[Serivce]\nUser=a\nGroup=b") == [.unknownSection("Serivce", suggestion: "[Service]")]
    )
    #expect(try service("[Timer]\nOnCalendar=daily") == [.unknownSection("Timer", suggestion: nil)])
    #expect(try service("X-Mine=1\n[X-Fleet]\nGlobal=true\n[X-Other]\nA=b").isEmpty)
  }

  @Test func `a unit of a type that is not run is named once, and misspellings in it are`() throws {
    #expect(
      try findings("[Mount]\nWhat=a\n[Unit]\nAfterr=b.service", "a.mount") == [
        .unitTypeNotCarriedOut("mount"),
        .unknown(section: "Unit", name: "Afterr", suggestion: "After="),
      ]
    )
  }
}

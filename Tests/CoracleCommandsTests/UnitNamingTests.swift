// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import CoracleCommands

/// What command lines make of names and files of units.
struct UnitNamingTests {
  @Test(arguments: [
    ("web@{1..3}", ["web@1", "web@2", "web@3"]), ("{a,b}.service", ["a.service", "b.service"]),
    ("web@{08..10}", ["web@08", "web@09", "web@10"]), ("x{3..1}", ["x3", "x2", "x1"]), ("{a..c}x", ["ax", "bx", "cx"]),
    ("{a,b{1..2}}", ["a", "b1", "b2"]), ("{a,b}{1,2}", ["a1", "a2", "b1", "b2"]), ("a{,b}", ["a", "ab"]),
    ("plain", ["plain"]), ("a{b}c", ["a{b}c"]), ("a{b", ["a{b"]), ("a}b{1..2}", ["a}b1", "a}b2"]), ("", [""]),
    ("{x{1..2}", ["{x1", "{x2"]),
  ])
  func `braces are expanded as shells do`(argument: String, words: [String]) throws {
    #expect(try BraceExpansion.words(argument) == words)
  }

  @Test(arguments: ["x{1..20000}", "{1..200}{1..200}", "{0..999999999}"])
  func `braces without measure are refused`(argument: String) {
    #expect(throws: CommandFailure("\(argument) stands for more than 10000 units")) {
      try BraceExpansion.words(argument)
    }
  }

  private func verify(_ path: String, _ text: String) -> [String] {
    UnitVerification(path: path, text: text).lines
  }

  @Test func `a good file has no findings`() {
    #expect(verify("dir/a.service", "[Service]\nExecStart=/bin/true\n") == [])
  }

  @Test func `what is wrong with a file is told with its line`() {
    #expect(
      verify("dir/a.service", "[Unit]\nDescription\n") == [
        "dir/a.service:2: error: unexpected newline encountered while parsing option name"
      ]
    )
    #expect(verify("a.service", "ExecStart=/bin/true\n") == ["a.service: error: the file has no options"])
    #expect(
      verify("a", "[Service]\nExecStart=/bin/true\n") == [
        "a: error: \"a\" is no unit: unit name must contain \".\""
      ]
    )
    let contradictory = "[Service]\nExecStart=/bin/true\n[X-Fleet]\nMachineID=x\nConflicts=y\nWhere=z\n"
    #expect(
      verify("a.service", contradictory) == [
        "a.service: error: MachineID cannot be used with Conflicts",
        "a.service:6: warning: Where= in [X-Fleet] is unknown and has no effect",
      ]
    )
    #expect(verify("a.service", "[Service]\nType=simple\n").contains { $0.contains("error: the service has neither") })
  }

  @Test func `verify ends with 1 when a unit cannot run, and tells programs the same`() {
    let files = ["good.service": "[Service]\nExecStart=/bin/true\n", "bad.service": "[Service\n"]
    let record = RecordedOutput()
    #expect(UnitVerification.run(["good.service"], format: .table, output: record.output) { files[$0] } == 0)
    let paths = ["good.service", "bad.service", "none.service"]
    #expect(UnitVerification.run(paths, format: .table, output: record.output) { files[$0] } == 1)
    #expect(
      record.out == """
        bad.service:1: error: unable to find end of section
        none.service: error: there is no such file

        """
    )
    let json = RecordedOutput()
    #expect(UnitVerification.run(Array(paths.prefix(2)), format: .json, output: json.output) { files[$0] } == 1)
    #expect(
      json.out == #"[{"file":"good.service","good":true,"findings":[]},{"file":"bad.service","good":false,"#
        + #""findings":[{"file":"bad.service","severity":"error","line":1,"#
        + #""message":"unable to find end of section"}]}]"# + "\n"
    )
  }
}

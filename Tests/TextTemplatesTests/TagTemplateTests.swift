// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import TextTemplates

/// Registrator's templates for tags, on a container as the engine describes it.
@Suite struct TagTemplateTests {
  private static let container = TemplateValue.object(
    TemplateObject(
      "container",
      fields: [
        ("Id", .string("0123456789abcdef")), ("Name", .string("/web-1")),
        (
          "Config",
          .object(
            TemplateObject(
              "Config",
              fields: [
                ("Env", .strings(["A=1", "ZONE=eu,west", "ZONE_ID=7"])),
                ("Labels", .map(["team": .string("Core"), "doc": .string(#"{"a":{"b":"deep"}}"#)], .map(.string))),
                ("Cmd", .null(.slice(.string))),
              ]
            )
          )
        ),
      ]
    )
  )

  private func tags(_ text: String) throws -> [String] { try TagTemplate(text).tags(of: Self.container) }

  @Test(arguments: [
    ("plain, {{.Name}} ,", ["plain", "/web-1"]),
    (#"{{replace -1 "/" "" .Name}}"#, ["web-1"]),
    (#"{{.Name | replace 1 "/" "" | toUpper}},{{toLower "AB"}}"#, ["WEB-1", "ab"]),
    ("{{strSlice .Id 0 4}},{{strSlice .Id 12}},{{strSlice .Id 3 99}}", ["0123", "cdef", "3456789abcdef"]),
    (#"{{mIndex "team" .Config.Labels}},{{mIndex "none" .Config.Labels}}"#, ["Core"]),
    ("{{sIndex 0 .Config.Env}},{{sIndex -1 .Config.Env}},{{sIndex 9 .Config.Env}}", ["A=1", "ZONE_ID=7", "ZONE_ID=7"]),
    (#"{{sIndex 0 .Config.Cmd}}"#, []),
    // What a value holds between its commas becomes tags of their own.
    (#"{{matchFirstElement "^ZONE=" .Config.Env | splitIndex 1 "="}}"#, ["eu", "west"]),
    (#"{{matchAllElements "^ZONE" .Config.Env | join ";"}}"#, ["ZONE=eu", "west;ZONE_ID=7"]),
    (#"{{range split "-" .Name}}x{{.}},{{end}}"#, ["x/web", "x1"]),
    (#"{{jsonParse (mIndex "doc" .Config.Labels) "a::b"}}"#, ["deep"]),
    (#"a\,b,c"#, ["a,b", "c"]),
    (#"{{if eq .Name "/web-1"}}web{{end}}"#, ["web"]),
  ])
  func `a template becomes tags`(text: String, expected: [String]) throws {
    #expect(try tags(text) == expected)
  }

  @Test(arguments: ["{{.Name", "{{nope .Name}}", "{{httpGet \"http://h\"}}", "{{if .Name}}"])
  func `what is no template is told at once`(text: String) {
    #expect(throws: TemplateError.self) { try TagTemplate(text) }
  }

  @Test(arguments: [
    "{{.Nope}}", "{{mIndex \"a\" .Name}}", "{{sIndex 0 .Name}}", "{{matchAllElements \"(\" .Config.Env}}",
    "{{jsonParse .Name \"a\"}}", "{{strSlice .Id 5 2}}", "{{range $i := .Config.Env}}{{template \"x\"}}{{end}}",
  ])
  func `what cannot be filled is an error and no tag`(text: String) {
    #expect(throws: TemplateError.self) { try tags(text) }
  }
}

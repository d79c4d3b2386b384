// SPDX-License-Identifier: Apache-2.0
import TextTemplates
import Testing

/// Values as Go's package `fmt` writes them, where confd's templates do not show it.
@Suite struct FormattingTests {
  @Test(arguments: [
    ("%.3g", 0.0, "0"), ("%.3g", 1.984158, "1.98"), ("%.4g", 23.5449, "23.54"), ("%.3g", 999.9, "1e+03"),
    ("%.0f", 2.5, "2"), ("%.0f", 3.5, "4"), ("%.2f", 0.005, "0.01"), ("%v", 1e20, "1e+20"), ("%v", 0.0001, "0.0001"),
    ("%v", 0.00001, "1e-05"), ("%e", 0.0, "0.000000e+00"), ("%8.1f|", -2.25, "    -2.2|"),
    ("%08.1f", -2.25, "-00002.2"), ("%.1f", 0.95, "0.9"),
  ])
  func `numbers with fractions`(_ format: String, _ number: Double, _ text: String) {
    #expect(GoFormat.text(format, .float(number)) == text)
  }

  @Test func `the nil of a list and of a map is an empty one`() throws {
    let object = TemplateObject(
      "t",
      fields: [("L", .null(.slice(.string))), ("M", .null(.map(.string))), ("P", .null(.named("*t", .structure)))]
    )
    let source = """
      {{.L}} {{.M}} {{.P}} {{len .L}}{{len .M}} {{range .L}}x{{else}}none{{end}} {{index .M "a"}}|{{.M.a}} {{if .M}}x{{end}}
      """
    #expect(
      try TextTemplate(name: "t", source: source).text(with: .object(object))
        == "[] map[] <nil> 00 none |<no value> "
    )
  }
}

// SPDX-License-Identifier: Apache-2.0
import TextTemplates
import Testing

/// What templates may ask for, and what they get beyond it: one error, soon.
@Suite struct TemplateLimitTests {
  private func error(_ source: String, _ limits: TemplateLimits = TemplateLimits()) -> String? {
    let list = TemplateValue.list((0..<100).map { .int($0) }, .slice(.int))
    do throws(TemplateError) {
      _ = try TextTemplate(name: "t", source: source, limits: limits).text(with: list)
      return nil
    } catch { return error.description }
  }

  private func limits(_ change: (inout TemplateLimits) -> Void) -> TemplateLimits {
    var limits = TemplateLimits()
    change(&limits)
    return limits
  }

  @Test func `a long template is not read`() {
    let limits = limits { $0.sourceBytes = 10 }
    #expect(error("0123456789", limits) == nil)
    #expect(error("0123456789a", limits) == "template: t: the template has 11 bytes; at most 10 are read")
  }

  @Test func `blocks and parentheses have a depth`() {
    let blocks = String(repeating: "{{if true}}", count: 5000) + String(repeating: "{{end}}", count: 5000)
    let parentheses = "{{" + String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000) + "}}"
    let elses = "{{if false}}" + String(repeating: "{{else if false}}", count: 5000) + "{{end}}"
    for source in [blocks, parentheses, elses] {
      #expect(error(source)?.hasSuffix("blocks and parentheses stand more than 100 deep") == true)
    }
    #expect(error(String(repeating: "{{if true}}", count: 90) + String(repeating: "{{end}}", count: 90)) == nil)
  }

  @Test func `a template that calls itself comes to an end`() {
    let source = "{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}"
    #expect(
      error(source)
        == "template: t:1:25: executing \"a\" at <{{template \"a\"}}>: exceeded maximum template depth (100)"
    )
  }

  @Test func `loops take no more turns than are allowed`() {
    let source = "{{range $a := .}}{{range $b := $}}{{end}}{{end}}"
    #expect(error(source) == nil)
    #expect(error(source, limits { $0.steps = 10_000 })?.hasSuffix("the template takes more than 10000 turns") == true)
  }

  @Test func `output has a length`() {
    let limits = limits { $0.outputBytes = 200 }
    #expect(error("{{range .}}ab{{end}}", limits) == nil)
    #expect(error("{{range .}}abc{{end}}", limits)?.contains("the text has more than 200 bytes") == true)
    #expect(error("{{.}}", limits)?.contains("the text has more than 200 bytes") == true)
  }

  @Test func `texts that double and wide verbs are refused before they fill the memory`() {
    let doubled = "{{$x := \"0123456789\"}}{{range .}}{{$x = print $x $x}}{{end}}"
    #expect(error(doubled)?.hasSuffix("error calling print: the text has more than 16777216 bytes") == true)
    #expect(error("{{printf \"%9999999999d\" 1}}") == nil)
    let verbs = String(repeating: "%1000000d", count: 20)
    let wide = "{{printf \"\(verbs)\"" + String(repeating: " 1", count: 20) + "}}"
    #expect(error(wide)?.hasSuffix("error calling printf: the text has more than 16777216 bytes") == true)
  }

  @Test func `random bytes give an error or a text, and never an end of the process`() {
    var generator = SeededGenerator(seed: 1)
    let pieces = [
      "{{", "}}", "if", "range", "end", "else", " ", "(", ")", ".", "$", "$x", ":=", "|", "\"", "`", "1", "-", "'a'",
      "printf", "%d", "%[3]*.*f", "index", "slice", "eq", ",", "define", "template", "with", "\n", "é", "\\", "/*",
      "*/",
    ]
    for _ in 0..<3000 {
      let count = Int.random(in: 1...20, using: &generator)
      let source = (0..<count).compactMap { _ in pieces.randomElement(using: &generator) }
      _ = error("{{" + source.joined())
    }
  }
}

/// The same numbers in every run.
private struct SeededGenerator: RandomNumberGenerator {
  private var seed: UInt64

  init(seed: UInt64) { self.seed = seed }

  mutating func next() -> UInt64 {
    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return seed ^ (seed >> 29)
  }
}

// SPDX-License-Identifier: Apache-2.0
import TextTemplates
import Testing

/// Times by example, as Go writes them.
@Suite struct GoTimeTests {
  private let time = GoTime(seconds: 1_136_239_445, nanoseconds: 123_400_000, zoneSeconds: -25_200, zone: "MST")

  @Test(arguments: [
    ("Mon Jan 2 15:04:05 -0700 MST 2006", "Mon Jan 2 15:04:05 -0700 MST 2006"),
    ("2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.1234-07:00"),
    ("Monday, 02-Jan-06 03:04:05.000 PM", "Monday, 02-Jan-06 03:04:05.123 PM"),
    ("_2 January 002", " 2 January 002"), ("3:4:5 pm -07", "3:4:5 pm -07"), ("Janet", "Janet"),
  ])
  func `the time of the examples is written as they are`(_ layout: String, _ text: String) {
    #expect(time.formatted(layout) == text)
  }

  @Test(arguments: [
    (0, "1970-01-01 Thu 001"), (951_782_400, "2000-02-29 Tue 060"), (-1, "1969-12-31 Wed 365"),
    (-62_135_596_800, "0001-01-01 Mon 001"), (4_107_542_400, "2100-03-01 Mon 060"),
  ])
  func `days are counted as the calendar has them`(_ seconds: Int, _ text: String) {
    #expect(GoTime(seconds: seconds, nanoseconds: 0).formatted("2006-01-02 Mon 002") == text)
  }

  @Test func `templates call the methods of a time`() throws {
    let source = "{{.Unix}} {{.UTC.Hour}} {{.Month}} {{.Weekday}} {{printf \"%d\" .Day}} {{.}}"
    #expect(
      try TextTemplate(name: "t", source: source).text(with: time.value)
        == "1136239445 22 January Monday 2 2006-01-02 15:04:05.1234 -0700 MST"
    )
  }
}

// SPDX-License-Identifier: Apache-2.0
import Testing
import TextTemplates

@testable import DockerEngine

/// Lists and documents as docker's program 28.2 prints them.
@Suite struct ListingTests {
  private static let now: Int64 = 1_795_819_160

  private static func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

  private static let containers = """
    [{"Id":"d4c1539fcf1563e860be6ff619794f36653bb79bb6fd00ed9d7fe2219836ee3d","Names":["/healthy"],"Image":"busybox",
      "ImageID":"sha256:7cc3ce96c631","Command":"sleep 99999","Created":1795819148,"Ports":[],"Labels":{},
      "State":"running","Status":"Up 2 seconds (healthy)","NetworkSettings":{"Networks":{"mynet":{}}},"Mounts":[]},
     {"Id":"68044383e0894e2bf7b2f5bcb8552066c76184b814cb8d71eec09e736cd6b14f","Names":["/web","/other/link"],
      "Image":"registry.example:5000/foo@sha256:0123","ImageID":"sha256:7cc3ce96c631",
      "Command":"sh -c 'echo \\"a\\"; sleep 100000'","Created":1795812000,
      "Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
       {"IP":"0.0.0.0","PrivatePort":9001,"PublicPort":9001,"Type":"tcp"},
       {"IP":"::","PrivatePort":9000,"PublicPort":9000,"Type":"tcp"},
       {"IP":"0.0.0.0","PrivatePort":9000,"PublicPort":9000,"Type":"tcp"},{"PrivatePort":22,"Type":"tcp"}],
      "Labels":{"c":"d","a":"b"},"State":"running","Status":"Up 2 hours","SizeRw":0,"SizeRootFs":1984158,
      "NetworkSettings":{"Networks":{"bridge":{}}},
      "Mounts":[{"Name":"0123456789abcdef","Driver":"local"},{"Source":"/etc"}]}]
    """

  private static func ps(_ format: String?, isWhole: Bool = false, isQuiet: Bool = false) throws
    -> [String]
  {
    let rows = try json(containers).elements.map {
      ContainerRows.row($0, isWhole: isWhole, now: now)
    }
    return try ContainerRows.format(showsSize: false).lines(rows, format: format, isQuiet: isQuiet)
  }

  @Test func `ps is a table with columns three spaces apart`() throws {
    let ports =
      "22/tcp, 0.0.0.0:9000-9001->9000-9001/tcp, [::]:9000->9000/tcp, 0.0.0.0:8080->80/tcp"
    let command = #""sh -c 'echo \"a\"; sl…""#
    // Each column is as wide as its widest cell and three more.
    func row(_ cells: String...) -> String {
      let widths = [12, 25, 24, 14, 22, ports.count].map { $0 + 3 }
      return zip(cells, widths)
        .map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
        .joined() + cells[6]
    }
    #expect(
      try Self.ps(nil) == [
        row("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"),
        row("d4c1539fcf15", "busybox", "\"sleep 99999\"", "12 seconds ago", "Up 2 seconds (healthy)", "", "healthy"),
        row("68044383e089", "registry.example:5000/foo", command, "2 hours ago", "Up 2 hours", ports, "web"),
      ]
    )
  }

  @Test(arguments: [
    ("{{.ID}} {{.Names}}", ["d4c1539fcf15 healthy", "68044383e089 web"]),
    ("table {{.Names}}\\t{{.Label \"a\"}}", ["NAMES     a", "healthy   ", "web       b"]),
    ("{{.Labels}}|{{.Mounts}}|{{.LocalVolumes}}", ["||0", "a=b,c=d|0123456789abcd…,/etc|1"]),
    ("{{upper .State}} {{pad .Names 1 2}}|", ["RUNNING  healthy  |", "RUNNING  web  |"]),
    ("{{json .Labels}} {{.Size}}", ["\"\" 0B", "\"a=b,c=d\" 0B (virtual 1.98MB)"]),
  ])
  func `ps has a format`(_ format: String, _ lines: [String]) throws {
    #expect(try Self.ps(format) == lines)
  }

  @Test func `ps has ids alone, whole ones and JSON`() throws {
    #expect(try Self.ps(nil, isQuiet: true) == ["d4c1539fcf15", "68044383e089"])
    #expect(
      try Self.ps("{{.Image}}", isWhole: true).last == "registry.example:5000/foo@sha256:0123"
    )
    let line = try #require(try Self.ps("json").last)
    #expect(line.hasPrefix(#"{"Command":"\"sh -c 'echo \\\"a\\\"; sl…\"","CreatedAt":"#))
    #expect(line.contains(#""Ports":"22/tcp, 0.0.0.0:9000-9001-\u003e9000-9001/tcp"#))
    #expect(line.contains(#""Platform":null"#))
  }

  @Test(arguments: [
    (
      "{{.Nope}}",
      "failed to execute template: template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope"
    ),
    ("{{.", "failed to parse template: template: :1: illegal number syntax: \".\""),
    ("{{nope}}", "failed to parse template: template: :1: function \"nope\" not defined"),
  ])
  func `a wrong format is one clear error`(_ format: String, _ problem: String) {
    do {
      _ = try Self.ps(format)
      Issue.record("no error")
    } catch {
      #expect("\(error)".hasPrefix(problem))
    }
  }

  @Test func `images have a row for each tag, and none for what has no name`() throws {
    let images = try Self.json(
      """
      [{"Id":"sha256:7cc3ce96c631620e","RepoTags":["busybox:latest","registry.example:5000/foo/bar:1.2"],
        "RepoDigests":["busybox@sha256:aa"],"Created":1795819132,"Size":1984158},
       {"Id":"sha256:0123456789abcdef","RepoTags":["<none>:<none>"],"RepoDigests":["<none>@<none>"],
        "Created":1700000000,"Size":0}]
      """
    )
    var options = ImageListOptions(
      reference: nil,
      showsAll: false,
      showsDigests: false,
      filters: [],
      format: nil,
      isWhole: false,
      isQuiet: false
    )
    func lines() throws -> [String] {
      try ImageRows.format(showsDigests: options.showsDigests).lines(
        images.elements.flatMap { ImageRows.rows($0, options: options, now: Self.now) },
        format: options.format,
        isQuiet: false
      )
    }
    #expect(
      try lines() == [
        "REPOSITORY                      TAG       IMAGE ID       CREATED          SIZE",
        "busybox                         latest    7cc3ce96c631   28 seconds ago   1.98MB",
        "registry.example:5000/foo/bar   1.2       7cc3ce96c631   28 seconds ago   1.98MB",
        "<none>                          <none>    0123456789ab   3 years ago      0B",
      ]
    )
    options.showsDigests = true
    options.format = "{{.Repository}} {{.Digest}}"
    #expect(
      try lines() == ["busybox sha256:aa", "registry.example:5000/foo/bar <none>", "<none> <none>"]
    )
  }

  @Test(
    arguments: [
      (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"),
      (120, "2 minutes"),
      (3599, "59 minutes"), (3600, "About an hour"), (5400, "2 hours"), (169_200, "47 hours"), (172_800, "2 days"),
      (1_209_600, "2 weeks"), (5_184_000, "2 months"), (63_072_000, "2 years"),
    ] as [(Int64, String)]
  )
  func `times are told as docker's program tells them`(_ seconds: Int64, _ text: String) {
    #expect(HumanText.duration(seconds: seconds) == text)
  }

  @Test func `sizes are told as docker's program tells them`() {
    #expect(
      [0, 999, 1000, 1_984_158, 5_000_000_000].map { HumanText.size($0) } == [
        "0B", "999B", "1kB", "1.98MB", "5GB",
      ]
    )
    #expect(HumanText.memory(25_276_502_016) == "23.54GiB")
  }

  @Test func `columns are those of lines one after another`() {
    #expect(
      TextTable.aligned("a\tb\tc\nlong\tb\td\n\nx\ty", width: 3, padding: 1) == [
        "a    b  c", "long b  d", "", "x  y",
      ]
    )
  }
}

// SPDX-License-Identifier: Apache-2.0
import Testing
import TextTemplates

@testable import DockerEngine

/// `docker inspect -f`, on shapes of old and new engines.
@Suite struct InspectFormatTests {
  private static let document = """
    {"Id":"c1","Name":"/web","State":{"Running":true,"Pid":17},"HostConfig":{"Binds":null,"PortBindings":{"80/tcp":
    [{"HostIp":"","HostPort":"8080"}]},"LogConfig":{"Type":"json-file","Config":{}},"PidsLimit":null},
    "Config":{"Labels":{"z":"y","a b":"c"},"Cmd":["sh","-c"],"Env":null},
    "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}],"22/tcp":null},
    "Networks":{"bridge":{"IPAddress":"172.17.0.2","Gateway":"172.17.0.1","MacAddress":"02:42:ac:11:00:02"}}}}
    """

  private static func text(_ format: String) throws -> String {
    let document = try JSONValue(parsing: document.utf8).withNetworkSettingsBackFilled()
    return try InspectFormat(format).text(of: document, kind: "container")
  }

  @Test(arguments: [
    ("{{.State.Running}}", "true"), ("{{ .State.Pid }}", "17"),
    ("x{{.Name}}y{{.Id}}{{.ID}}", "x/webyc1c1"),
    ("{{json .State}}", #"{"Running":true,"Pid":17}"#), ("a {{- .State.Pid -}} b", "a17b"),
    ("{{index .Config.Labels \"a b\"}}{{index .Config.Labels \"none\"}}", "c"),
    ("{{index .Config.Cmd 1}}", "-c"),
    ("{{.Config.Cmd}} {{.Config.Labels}}", "[sh -c] map[a b:c z:y]"),
    ("{{.Name | upper | json}}", "\"/WEB\""),
    ("{{.HostConfig.Binds}} {{len .HostConfig.Binds}} {{json .HostConfig.Binds}}", "[] 0 null"),
    ("{{with .State.Health}}{{.Status}}{{else}}none{{end}}", "none"),
    ("{{.State.Health}}", "<nil>"),
    ("{{.SizeRw}} {{.HostConfig.PidsLimit}} {{.Config.StopSignal}}|", "<nil> <nil> |"),
    (
      "{{range $p, $c := .NetworkSettings.Ports}}{{$p}}:{{range $c}}{{.HostPort}}{{end}} {{end}}",
      "22/tcp: 80/tcp:8080 "
    ),
    ("{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080"),
    ("{{.NetworkSettings.Ports}}", "map[22/tcp:[] 80/tcp:[{0.0.0.0 8080}]]"),
    ("{{join .Config.Cmd \",\"}} {{title \"a b\"}} {{truncate .Name 2}}", "sh,-c A B /w"),
    ("{{if and .State.Running (eq .Name \"/web\")}}up{{end}}", "up"), ("plain", "plain"),
    // What engines since API 1.52 do not send any more.
    (
      "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Gateway}} {{.NetworkSettings.MacAddress}}",
      "172.17.0.2 172.17.0.1 02:42:ac:11:00:02"
    ),
  ])
  func `templates give what docker's program gives`(_ format: String, _ expected: String) throws {
    #expect(try Self.text(format) == expected)
  }

  @Test(arguments: [
    ("{{.Nope}}", "template: :1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\""),
    (
      "{{.State.Health.Status}}",
      "template: :1:8: executing \"\" at <.State.Health.Status>: map has no entry for key \"Health\""
    ),
    ("{{.A", "template: :1: unclosed action"),
    ("{{nope .A}}", "template: :1: function \"nope\" not defined"),
  ])
  func `what is not there is an error in Go's words`(_ format: String, _ problem: String) {
    do {
      let text = try Self.text(format)
      Issue.record("\(text)")
    } catch {
      #expect("\(error)" == problem)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import CoracleCommands

@Suite struct UnitVerificationTests {
  private func lines(_ text: String, path: String = "dir/web.service", dropIns: [DropIn] = []) -> [String] {
    UnitVerification(path: path, text: text, dropIns: dropIns).findings.map(\.text)
  }

  @Test func `each finding has its line and is said once`() {
    #expect(
      lines(
        """
        [Unit]
        Documentation=man:web(8)
        # Restart=always
        [Service]
        ExecStart=/bin/sh -c \\
          Type=wrong
        Nice=99
        DynamicUser=yes
        DynamicUser=no
        Restrat=always
        Restart=sometimes
        [X-Fleet]
        MachineIDD=x
        Announce=web:8080 check=http:/health
        Announce=web:8080 check=ping
        [X-Coracle]
        Announced=web:8080
        """
      ) == [
        "dir/web.service:2: note: Documentation= in [Unit] has no effect of its own: it is for readers of the file",
        "dir/web.service:7: warning: Nice=99 in [Service] is ignored: expected a number from -20 to 19",
        "dir/web.service:8: warning: DynamicUser= in [Service] is not carried out yet and has no effect:"
          + " the commands run as User=, or as root where there is none",
        "dir/web.service:10: warning: Restrat= in [Service] is unknown and has no effect; did you mean Restart=?",
        "dir/web.service:11: error: Restart=sometimes in [Service]: expected no, always, on-success, on-failure,"
          + " on-abnormal, on-abort or on-watchdog",
        "dir/web.service:13: warning: MachineIDD= in [X-Fleet] is unknown and has no effect",
        "dir/web.service:15: warning: Announce=web:8080 check=ping in [X-Fleet] is ignored: expected check= with tcp,"
          + " http:/path, tcp://host:port or http://host:port/path",
        "dir/web.service:17: warning: Announced= in [X-Coracle] is unknown and has no effect",
      ]
    )
  }

  @Test func `a drop-in's findings are said of the drop-in`() {
    let dropIn = DropIn(directory: "web.service.d", name: "10-a.conf", text: "[Service]\nNice=99\n")
    #expect(
      lines("[Service]\nExecStart=/bin/true\n", dropIns: [dropIn]) == [
        "dir/web.service.d/10-a.conf:2: warning: Nice=99 in [Service] is ignored: expected a number from -20 to 19"
      ]
    )
  }

  @Test func `what is no unit is an error`() {
    #expect(lines("[Service\n") == ["dir/web.service:1: error: unable to find end of section"])
    #expect(
      lines("[Service]\nExecStart=/bin/true\n", path: "web.thing") == [
        "web.thing: error: \"web.thing\" is no unit: invalid unit type: \"thing\""
      ]
    )
    #expect(
      lines("[Service]\nType=oneshot\n") == [
        "dir/web.service: error: the service has neither ExecStart= nor, with Type=oneshot and RemainAfterExit=yes,"
          + " ExecStop="
      ]
    )
  }

  @Test func `drop-ins beside a file are read with it`() {
    let files = [
      "d/a.service": "[Service]\nExecStart=/bin/true\n", "d/a.service.d/b.conf": "[Service]\nRestart=never\n",
      "d/a.service.d/README": "nothing of a unit",
    ]
    let record = RecordedOutput()
    let status = UnitVerification.run(["d/a.service"], format: .table, output: record.output) {
      files[$0]
    } readFolder: { folder in
      files.keys.filter { $0.hasPrefix("\(folder)/") }.map { String($0.dropFirst(folder.count + 1)) }.sorted()
    }
    #expect(status == 1)
    #expect(record.out.hasPrefix("d/a.service.d/b.conf:2: error: Restart=never in [Service]: expected no, always,"))
  }

  @Test func `a type that is refused has its line`() {
    #expect(
      lines("[Service]\nType=dbus\nExecStart=/bin/true\n") == [
        "dir/web.service:2: error: Type=dbus is refused: there is no D-Bus here on which the service could get its name"
      ]
    )
  }

  @Test func `a good unit has nothing to say`() {
    #expect(
      lines("[Unit]\nDescription=a\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target").isEmpty
    )
  }

  @Test func `the table of directives has a line for each`() {
    let lines = DirectiveListing.text(.table).split(separator: "\n")
    #expect(lines.count == DirectiveTable.all.count)
    #expect(lines.contains("[Service]\tEnvironment=\tcarried out"))
    #expect(lines.contains("[Service]\tSlice=\tnot carried out: units have no slices"))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct SystemdSpecifierTests {
  private let values = SpecifierValues(
    machineID: "0123",
    bootID: "4567",
    hostName: "box.example.org",
    kernelRelease: "6.1.0-1",
    userName: "core",
    userID: "500",
    groupName: "staff",
    groupID: "501",
    homeDirectory: "/home/core",
    shell: "/bin/bash",
    temporaryDirectory: "/t",
    largeTemporaryDirectory: "/vt",
    architecture: "x86-64",
    operatingSystem: SpecifierValues.OperatingSystem(
      EnvironmentFileText.parse("ID=coreos\nVERSION_ID=\"766.5.0\"\nBUILD_ID=b1\nIMAGE_ID=img\nIMAGE_VERSION=7\n")
    ),
    fragmentDirectory: "/units"
  )

  @Test(arguments: [
    ("%a", "x86-64"), ("%A", "7"), ("%b", "4567"), ("%B", "b1"), ("%C", "/var/cache"),
    ("%d", "/run/credentials/my-web@a-b\\x20c.service"), ("%E", "/etc"), ("%f", "/a/b c"), ("%g", "staff"),
    ("%G", "501"), ("%h", "/home/core"), ("%H", "box.example.org"), ("%i", "a-b\\x20c"), ("%I", "a/b c"),
    ("%j", "web"), ("%J", "web"), ("%l", "box"), ("%L", "/var/log"), ("%m", "0123"), ("%M", "img"),
    ("%n", "my-web@a-b\\x20c.service"), ("%N", "my-web@a-b\\x20c"), ("%o", "coreos"), ("%p", "my-web"),
    ("%P", "my/web"), ("%q", "box"), ("%s", "/bin/bash"), ("%S", "/var/lib"), ("%t", "/run"), ("%T", "/t"),
    ("%u", "core"), ("%U", "500"), ("%v", "6.1.0-1"), ("%V", "/vt"), ("%w", "766.5.0"), ("%W", ""),
    ("%y", "/units/my-web@a-b\\x20c.service"), ("%Y", "/units"), ("%%", "%"), ("%%i", "%i"), ("%z%", "%z%"),
  ])
  func `every specifier of systemd 252 is replaced`(text: String, expected: String) throws {
    #expect(values.expand(text, for: try UnitName("my-web@a-b\\x20c.service")) == expected)
  }

  @Test func `a pretty host name is what the machine says`() throws {
    var values = values
    values.prettyHostName = "Lennart's box"
    #expect(values.expand("%q", for: try UnitName("a.service")) == "Lennart's box")
  }

  @Test(arguments: [
    ("x86_64", "x86-64"), ("i686", "x86"), ("aarch64", "arm64"), ("armv7l", "arm"), ("ppc64le", "ppc64-le"),
    ("riscv64", "riscv64"), ("s390x", "s390x"),
  ])
  func `machines have systemd's names`(machine: String, name: String) {
    #expect(SpecifierValues.architecture(ofMachine: machine) == name)
  }

  @Test func `specifiers are replaced wherever systemd replaces them`() throws {
    let reading = ServiceReading(
      try UnitFile(
        parsing: """
          [Unit]
          Description=D %i
          Requires=r%i.service
          [Service]
          ExecStart=/bin/%i %i
          Environment=A=%i
          EnvironmentFile=-/e/%i
          UnsetEnvironment=U%i
          ExecSearchPath=/s/%i
          User=u%i
          Group=g%i
          SupplementaryGroups=s%i
          WorkingDirectory=/w/%i
          StandardOutput=file:/o/%i
          StandardInputText=t %i
          SyslogIdentifier=id-%i
          StateDirectory=d-%i
          ReadOnlyPaths=/r/%i
          BindPaths=/b/%i:/c/%i
          """
      ),
      name: try UnitName("x@7.service"),
      specifiers: values
    )
    #expect(reading.findings.isEmpty)
    let (definition, settings) = (reading.definition, reading.definition.execution)
    #expect(definition.description == "D 7")
    #expect(definition.dependencies[.requires] == ["r7.service"])
    #expect(definition.commands(.start).first?.words == ["/bin/7", "7"])
    #expect(settings.environment.map(\.value) == ["7"])
    #expect(settings.environmentFiles.map(\.path) == ["/e/7"])
    #expect(settings.unsetVariables == ["U7"])
    #expect(settings.searchPath == ["/s/7"])
    #expect([settings.user, settings.group] == ["u7", "g7"])
    #expect(settings.supplementaryGroups == ["s7"])
    #expect(settings.workingDirectory?.path == "/w/7")
    #expect(settings.output == .file("/o/7"))
    #expect(settings.standardInput == .data(Array("t 7\n".utf8)))
    #expect(settings.syslogIdentifier == "id-7")
    #expect(settings.directories.entries[.state]?.map(\.path) == ["d-7"])
    #expect(settings.sandbox.readOnlyPaths.map(\.path) == ["/r/7"])
    #expect(settings.sandbox.binds.map(\.target) == ["/c/7"])
  }
}

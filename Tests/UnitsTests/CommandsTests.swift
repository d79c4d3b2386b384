// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct CommandLineTests {
  private let specifiers = SpecifierValues(machineID: "mid", bootID: "bid", hostName: "box.example", kernelRelease: "6")

  private func parse(_ line: String, unit: String = "web@1.service") throws -> [ExecCommand] {
    try ExecCommand.parse(line, of: try UnitName(unit), specifiers: specifiers)
  }

  private func words(_ line: String, _ environment: [String: String] = [:]) throws -> [String] {
    try #require(try parse(line).first).expandedWords(in: environment)
  }

  @Test(arguments: [
    (#"/bin/echo one  two"#, ["/bin/echo", "one", "two"]),
    (#"/bin/echo "one two" 'three four'"#, ["/bin/echo", "one two", "three four"]),
    (#"/bin/echo a"b c"d"#, ["/bin/echo", "ab cd"]),
    (#"/bin/echo "it's" '"x"'"#, ["/bin/echo", "it's", #""x""#]),
    (#"/bin/echo "" ''"#, ["/bin/echo", "", ""]),
    (#"/bin/echo a\tb \x41\101 \u00e9 one\stwo \"q\" \\"#, ["/bin/echo", "a\tb", "AA", "é", "one two", "\"q\"", "\\"]),
    (#"/bin/sh -c "a \$ b \q""#, ["/bin/sh", "-c", #"a \$ b \q"#]),
    (#"/bin/sh -c 'x \n y'"#, ["/bin/sh", "-c", "x \n y"]),
    (
      #"/bin/echo 100%% %i %p %n %N %m %b %H %l %v"#,
      ["/bin/echo", "100%", "1", "web", "web@1.service", "web@1", "mid", "bid", "box.example", "box", "6"]
    ),
    (#"/bin/echo %z 5%"#, ["/bin/echo", "%z", "5%"]),
    (#"/bin/echo \; ";" a;b"#, ["/bin/echo", ";", ";", "a;b"]),
  ])
  func `words follow systemd's quoting, escapes and specifiers`(line: String, expected: [String]) throws {
    #expect(try words(line) == expected)
  }

  @Test(arguments: [
    ("/bin/echo $ONE ${ONE}", ["/bin/echo", "one", "one"]),
    ("/bin/echo $TWO", ["/bin/echo", "a", "b c"]),
    ("/bin/echo ${TWO}", ["/bin/echo", "a 'b c'"]),
    ("/bin/echo x${ONE}y${ONE}", ["/bin/echo", "xoneyone"]),
    ("/bin/echo x$ONE", ["/bin/echo", "x$ONE"]),
    ("/bin/echo $NONE ${NONE} end", ["/bin/echo", "", "end"]),
    ("/bin/echo $$ONE $$ a$", ["/bin/echo", "$ONE", "$", "a$"]),
    ("/bin/sh -c 'echo $(date) ${ONE} $?'", ["/bin/sh", "-c", "echo $(date) one $?"]),
    ("/bin/echo ${UNCLOSED", ["/bin/echo", "${UNCLOSED"]),
    (":/bin/echo $ONE ${ONE}", ["/bin/echo", "$ONE", "${ONE}"]),
  ])
  func `variables are replaced as systemd does`(line: String, expected: [String]) throws {
    #expect(try words(line, ["ONE": "one", "TWO": "a 'b c'"]) == expected)
  }

  @Test func `prefixes are understood in any order`() throws {
    let command = try #require(try parse("-@/bin/sh shell -c true").first)
    #expect(command.ignoresFailure)
    #expect(command.program == "/bin/sh")
    #expect(command.words == ["shell", "-c", "true"])
    #expect(try #require(try parse("+-:/bin/true").first).hasFullPrivileges)
    let identity = try #require(try parse("!-/bin/true").first)
    #expect(identity.keepsIdentity && identity.ignoresFailure && !identity.hasFullPrivileges)
    let ordinary = try #require(try parse("!!/bin/true").first)
    #expect(!ordinary.keepsIdentity && !ordinary.hasFullPrivileges)
    #expect(ordinary.program == "/bin/true")
  }

  @Test func `a lone semicolon separates commands`() throws {
    let commands = try parse("-/bin/a 1 ; /bin/b 2 ;")
    #expect(commands.map(\.words) == [["/bin/a", "1"], ["/bin/b", "2"]])
    #expect(commands.map(\.ignoresFailure) == [true, false])
    #expect(try parse("").isEmpty)
  }

  @Test func `lines that cannot be understood are refused with a reason`() {
    #expect(throws: ExecLineError.words(.unbalancedQuotes)) { try parse("/bin/echo \"a") }
    #expect(throws: ExecLineError.words(.nulCharacter)) { try parse(#"/bin/echo \x00"#) }
    #expect(throws: ExecLineError.emptyProgram) { try parse("- a") }
    #expect(throws: ExecLineError.relativeProgram("bin/echo")) { try parse("bin/echo a") }
    #expect(throws: ExecLineError.programIsDirectory("/bin/")) { try parse("/bin/ a") }
    #expect(throws: ExecLineError.missingZerothArgument) { try parse("@/bin/echo") }
  }

  @Test func `environment files keep quotes' contents and drop comments`() {
    let text = """
      # comment
      ; another
      PLAIN=a b   \n\
      QUOTED="a  b # c"
      SINGLE='$x "y"'
      ESCAPED="a\\"b\\$c\\d"
      CONTINUED=one \\
      two
      MIXED='a'"b"c
        INDENTED = x
      EMPTY=
      1BAD=x
      no equals
      export NOT=x
      LAST=end
      """
    #expect(
      EnvironmentFileText.parse(text) == [
        EnvironmentAssignment(name: "PLAIN", value: "a b"),
        EnvironmentAssignment(name: "QUOTED", value: "a  b # c"),
        EnvironmentAssignment(name: "SINGLE", value: "$x \"y\""),
        EnvironmentAssignment(name: "ESCAPED", value: "a\"b$c\\d"),
        EnvironmentAssignment(name: "CONTINUED", value: "one two"),
        EnvironmentAssignment(name: "MIXED", value: "abc"),
        EnvironmentAssignment(name: "INDENTED", value: "x"),
        EnvironmentAssignment(name: "EMPTY", value: ""),
        EnvironmentAssignment(name: "LAST", value: "end"),
      ]
    )
  }

  @Test(arguments: [
    ("90", Duration.seconds(90)), ("0", .zero), ("5min 20s", .seconds(320)), ("5min20s", .seconds(320)),
    ("1.5h", .seconds(5400)), ("100ms", .milliseconds(100)), ("2 days", .seconds(172_800)), ("3us", .microseconds(3)),
    (".5s", .milliseconds(500)),
  ])
  func `time spans are read`(text: String, expected: Duration) {
    #expect(TimeSpan(text) == .finite(expected))
  }

  @Test func `what is no time span is refused`() {
    #expect(TimeSpan("infinity") == .infinity)
    for text in ["", "s", "5 parsecs", "-1", "1..2s", "99999999999999999999s"] { #expect(TimeSpan(text) == nil) }
  }

  @Test func `signals are read by name and number`() {
    #expect(UnixSignal("SIGTERM") == .terminate)
    #expect(UnixSignal("KILL") == .kill)
    #expect(UnixSignal("15") == .terminate)
    #expect(UnixSignal("SIGNONE") == nil)
    #expect(UnixSignal("0") == nil)
    #expect(UnixSignal(number: 10).description == "SIGUSR1")
  }
}

@Suite struct ServiceReadingTests {
  private func read(_ text: String, _ name: String = "web@1.service") throws -> ServiceReading {
    ServiceReading(try UnitFile(parsing: text), name: try UnitName(name))
  }

  @Test func `every setting has systemd's default`() throws {
    let service = try read("[Service]\nExecStart=/bin/true").definition
    #expect(service.type == .simple)
    #expect(service.restart == .no)
    #expect(service.startTimeout == .seconds(90))
    #expect(service.stopTimeout == .seconds(90))
    #expect(service.restartDelay == .milliseconds(100))
    #expect(service.startLimit.burst == 5)
    #expect(service.killMode == .controlGroup)
    #expect(service.killSignal == .terminate)
    #expect(service.description == "web@1.service")
  }

  @Test func `settings are read with specifiers and resets`() throws {
    let reading = try read(
      """
      [Unit]
      Description=Web %i
      Requires=docker.service db@%i.service
      After=docker.service
      After=db@%i.service
      StartLimitIntervalSec=1min
      StartLimitBurst=3
      [Service]
      TimeoutStartSec=0
      TimeoutStopSec=infinity
      Environment="A=1 2" B=%i
      Environment=C=3
      EnvironmentFile=-/etc/%p
      ExecStart=/bin/false
      ExecStart=
      ExecStart=/bin/sleep \\
        # a comment inside \\
        1000
      Restart=on-failure
      RestartSec=5
      KillMode=mixed
      KillSignal=SIGINT
      SuccessExitStatus=143 SIGUSR1
      User=core
      WorkingDirectory=~
      """
    )
    let service = reading.definition
    #expect(reading.findings.isEmpty)
    #expect(service.description == "Web 1")
    #expect(service.dependencies[.requires] == ["docker.service", "db@1.service"])
    #expect(service.dependencies[.after] == ["docker.service", "db@1.service"])
    #expect(service.startLimit == ServiceDefinition.StartLimit(interval: .seconds(60), burst: 3))
    #expect(service.startTimeout == nil)
    #expect(service.stopTimeout == nil)
    #expect(service.execution.environment.map(\.name) == ["A", "B", "C"])
    #expect(service.execution.environment.map(\.value) == ["1 2", "1", "3"])
    #expect(service.execution.environmentFiles == [ExecutionSettings.OptionalPath(path: "/etc/web", isOptional: true)])
    #expect(service.commands(.start).map(\.words) == [["/bin/sleep", "1000"]])
    #expect(service.successExits == ExitSet(codes: [143], signals: [UnixSignal(number: 10)]))
    #expect(service.killSignal == UnixSignal(number: 2))
  }

  @Test func `what is not carried out is named once and does not keep a unit from running`() throws {
    let reading = try read(
      """
      [Unit]
      Conflicts=a.service
      ConditionPathExists=/x
      ConditionFirstBoot=yes
      OnFailureJobMode=fail
      [Service]
      ExecStart=/bin/true
      DynamicUser=yes
      DynamicUser=yes
      StandardOutput=kmsg
      [Install]
      WantedBy=multi-user.target
      WantedBy=b.service
      Also=c.service
      [X-Fleet]
      Global=true
      [X-Other]
      Thing=1
      """
    )
    #expect(reading.errors.isEmpty)
    #expect(
      reading.findings.map(\.description) == [
        "ConditionFirstBoot= in [Unit] is not carried out yet and has no effect: the unit starts whether it holds or not",
        "OnFailureJobMode= in [Unit] is not carried out yet and has no effect:"
          + " jobs here replace those that are in their way",
        "DynamicUser= in [Service] is not carried out yet and has no effect:"
          + " the commands run as User=, or as root where there is none",
        "StandardOutput=kmsg is not carried out yet: output goes to the journal",
        "Also= in [Install] is not carried out yet and has no effect: each unit is loaded for itself",
      ]
    )
  }

  @Test(arguments: [
    ("Type=simple", UnitFinding.missingCommand),
    ("Type=oneshot\nExecStop=/bin/true", .missingCommand),
    ("ExecStart=/bin/a\nExecStart=/bin/b", .severalStartCommands),
    ("Type=oneshot\nExecStart=/bin/a\nRestart=always", .restartOfOneshot),
    (
      "ExecStart=/bin/a\nRestart=never",
      .badValue(
        section: "Service",
        name: "Restart",
        value: "never",
        expected: "no, always, on-success, on-failure, on-abnormal, on-abort or on-watchdog"
      )
    ),
    ("ExecStart=a/b", .badCommandLine(name: "ExecStart", line: "a/b", .relativeProgram("a/b"))),
    (
      "ExecStart=/bin/a\nType=daemon",
      .badValue(
        section: "Service",
        name: "Type",
        value: "daemon",
        expected: "simple, exec, oneshot, forking, notify, notify-reload or idle"
      )
    ),
    (
      "ExecStart=/bin/a\nType=dbus",
      .serviceTypeRefused("dbus", "there is no D-Bus here on which the service could get its name")
    ),
    ("Type=forking\nExecStart=/bin/a\nExecStart=/bin/b", .severalStartCommands),
    (
      "ExecStart=/bin/a\nRestartKillSignal=SIGNOT",
      .badValue(section: "Service", name: "RestartKillSignal", value: "SIGNOT", expected: "a signal such as SIGTERM")
    ),
  ])
  func `what keeps a unit from running is an error`(text: String, finding: UnitFinding) throws {
    #expect(try read("[Service]\n\(text)").errors == [finding])
  }

  @Test func `a oneshot service may have several commands, no timeout and no command at all`() throws {
    let several = try read("[Service]\nType=oneshot\nExecStart=/bin/a ; /bin/b\nExecStart=/bin/c")
    #expect(several.findings.isEmpty)
    #expect(several.definition.commands(.start).count == 3)
    #expect(several.definition.startTimeout == nil)
    let stopOnly = try read("[Service]\nRemainAfterExit=yes\nExecStop=/bin/a")
    #expect(stopOnly.findings.isEmpty)
    #expect(stopOnly.definition.type == .oneshot)
  }

  @Test func `the settings of a service's life are read, and TimeoutAbortSec is as TimeoutStopSec unless it is set`()
    throws
  {
    let service = try read(
      """
      [Service]
      Type=notify-reload
      NotifyAccess=all
      WatchdogSec=30
      WatchdogSignal=SIGQUIT
      ReloadSignal=SIGRTMIN+3
      RestartKillSignal=INT
      FinalKillSignal=SIGQUIT
      TimeoutStopSec=7
      TimeoutStartFailureMode=abort
      TimeoutStopFailureMode=kill
      RuntimeMaxSec=1h
      SuccessExitStatus=TEMPFAIL 250 SIGUSR1 RTMAX-1
      ExecCondition=/bin/true
      ExecStart=/bin/a
      ExecReload=/bin/b
      """
    )
    #expect(service.findings.isEmpty)
    let definition = service.definition
    #expect(definition.type == .notifyReload)
    #expect(definition.notifyAccess == .all)
    #expect(definition.watchdogInterval == .seconds(30))
    #expect([definition.watchdogSignal, definition.finalKillSignal] == [UnixSignal(number: 3), UnixSignal(number: 3)])
    #expect([definition.reloadSignal.number, definition.restartKillSignal?.number] == [37, 2])
    #expect(definition.abortTimeout == .seconds(7))
    #expect([definition.startTimeoutAction, definition.stopTimeoutAction] == [.abort, .kill])
    #expect(definition.runtimeLimit == .seconds(3600))
    #expect(
      definition.successExits
        == ExitSet(codes: [75, 250], signals: [UnixSignal(number: 10), UnixSignal(number: 63)])
    )
    let abort = try read("[Service]\nExecStart=/bin/a\nTimeoutAbortSec=infinity\nTimeoutStopSec=7").definition
    #expect(abort.abortTimeout == nil)
    #expect(abort.stopTimeout == .seconds(7))
  }

  @Test func `a PID file is for forking services only, which is said`() throws {
    let simple = try read("[Service]\nExecStart=/bin/a\nPIDFile=/run/a.pid")
    #expect(simple.definition.pidFile == nil)
    #expect(
      simple.findings.map(\.description) == [
        "PIDFile=/run/a.pid is not carried out yet: only Type=forking has a PID file"
      ]
    )
    let forking = try read("[Service]\nType=forking\nExecStart=/bin/a\nPIDFile=%p/%i.pid")
    #expect(forking.definition.pidFile == "/run/web/1.pid")
  }

  @Test func `units of other types are named as not carried out`() throws {
    let reading = try read("[Mount]\nWhat=/dev/sdb", "data.mount")
    #expect(reading.findings.first == .unitTypeNotCarriedOut("mount"))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct ExecutionReadingTests {
  private let specifiers = SpecifierValues(machineID: "mid", bootID: "bid", hostName: "box", kernelRelease: "6")

  private func read(_ text: String) throws -> ServiceReading {
    ServiceReading(
      try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n\(text)"),
      name: try UnitName("web@1.service"),
      specifiers: specifiers
    )
  }

  private func settings(_ text: String) throws -> ExecutionSettings {
    let reading = try read(text)
    #expect(reading.findings.isEmpty, "\(reading.findings)")
    return reading.definition.execution
  }

  // MARK: Environment

  @Test func `assignments are quoted, several on a line, and an empty value takes them back`() throws {
    let settings = try settings(
      """
      Environment=GONE=1
      Environment=
      Environment="A=one two" B=%i 'C=$x "y"'
      Environment=A=last D="mid dle"
      """
    )
    #expect(
      settings.environment.map { "\($0.name)=\($0.value)" } == [
        "A=one two", "B=1", "C=$x \"y\"", "A=last", "D=mid dle",
      ]
    )
  }

  @Test func `where variables come from decides which wins`() throws {
    let settings = try settings(
      """
      Environment=FROM=unit KEPT=unit DROPPED=unit SAME=unit OTHER=unit
      PassEnvironment=FROM PASSED MISSING
      UnsetEnvironment=DROPPED SAME=unit OTHER=different
      """
    )
    let composition = EnvironmentComposition(
      base: ["BASE": "base", "FROM": "base", "USER": "base", "RUN": "base"],
      run: ["RUN": "run"],
      account: EnvironmentComposition.Account(name: "core", home: "/home/core", shell: "/bin/bash"),
      own: ["FROM": "own", "PASSED": "own"]
    )
    let files = [EnvironmentAssignment(name: "KEPT", value: "file")]
    #expect(
      composition.variables(settings, files: files) == [
        "BASE": "base", "FROM": "unit", "KEPT": "file", "OTHER": "unit", "PASSED": "own", "RUN": "run",
        "USER": "core", "LOGNAME": "core", "HOME": "/home/core", "SHELL": "/bin/bash",
        "PATH": EnvironmentComposition.defaultPath,
      ]
    )
  }

  @Test func `an account without a home and a shell has no variables for them`() throws {
    let composition = EnvironmentComposition(
      base: [:],
      account: EnvironmentComposition.Account(name: "x", home: "/", shell: "/usr/sbin/nologin")
    )
    #expect(composition.variables(ExecutionSettings(), files: []).keys.sorted() == ["LOGNAME", "PATH", "USER"])
  }

  @Test func `a search path is the PATH until the unit says otherwise`() throws {
    let composition = EnvironmentComposition(base: [:])
    let search = try settings("ExecSearchPath=/opt/a:/opt/b\nExecSearchPath=/opt/c")
    #expect(composition.variables(search, files: [])["PATH"] == "/opt/a:/opt/b:/opt/c")
    let own = try settings("ExecSearchPath=/opt/a\nEnvironment=PATH=/x")
    #expect(composition.variables(own, files: [])["PATH"] == "/x")
  }

  // MARK: Identity and process

  @Test func `who, where and how a process runs`() throws {
    let settings = try settings(
      """
      User=u%i
      Group=g
      SupplementaryGroups=a b
      SupplementaryGroups=c
      WorkingDirectory=-/srv/%i
      UMask=0027
      Nice=-5
      OOMScoreAdjust=-500
      IgnoreSIGPIPE=no
      CPUSchedulingPolicy=batch
      IOSchedulingClass=idle
      IOSchedulingPriority=3
      CPUAffinity=0-2 5,7
      """
    )
    #expect(settings.user == "u1")
    #expect(settings.group == "g")
    #expect(settings.supplementaryGroups == ["a", "b", "c"])
    #expect(settings.workingDirectory == ExecutionSettings.OptionalPath(path: "/srv/1", isOptional: true))
    #expect(settings.umask == 0o027)
    #expect(settings.nice == -5)
    #expect(settings.oomScoreAdjustment == -500)
    #expect(!settings.ignoresSigpipe)
    #expect(settings.schedulingPolicy == .batch)
    #expect(settings.ioClass == 3)
    #expect(settings.ioPriority == 3)
    #expect(settings.processors == [0, 1, 2, 5, 7])
  }

  @Test(arguments: [
    ("LimitNOFILE=1024:4096", ProcessLimit(.openFiles, soft: 1024, hard: 4096)),
    ("LimitNOFILE=infinity", ProcessLimit(.openFiles, soft: .max, hard: .max)),
    ("LimitNPROC=64", ProcessLimit(.processes, soft: 64, hard: 64)),
    ("LimitCORE=0", ProcessLimit(.core, soft: 0, hard: 0)),
    ("LimitAS=1G", ProcessLimit(.addressSpace, soft: 1 << 30, hard: 1 << 30)),
    ("LimitFSIZE=1.5M:infinity", ProcessLimit(.fileSize, soft: 3 << 19, hard: .max)),
    ("LimitCPU=1min", ProcessLimit(.cpu, soft: 60, hard: 60)),
    ("LimitCPU=1500ms", ProcessLimit(.cpu, soft: 2, hard: 2)),
    ("LimitRTTIME=5ms", ProcessLimit(.realTimeSlice, soft: 5000, hard: 5000)),
    ("LimitRTTIME=77", ProcessLimit(.realTimeSlice, soft: 77, hard: 77)),
    ("LimitNICE=+5", ProcessLimit(.nice, soft: 15, hard: 15)),
    ("LimitNICE=-20", ProcessLimit(.nice, soft: 40, hard: 40)),
    ("LimitNICE=7", ProcessLimit(.nice, soft: 7, hard: 7)),
  ])
  func `limits of a process`(line: String, limit: ProcessLimit) throws {
    #expect(try settings(line).limits == [limit])
  }

  @Test func `every limit of the kernel has its directive`() throws {
    for resource in ProcessLimit.Resource.allCases {
      #expect(try settings("Limit\(resource.rawValue)=infinity").limits.map(\.resource.number) == [resource.number])
    }
    #expect(Set(ProcessLimit.Resource.allCases.map(\.number)) == Set(0...15))
  }

  @Test(arguments: [
    "LimitNOFILE=10:5", "LimitNOFILE=many", "LimitNOFILE=1:2:3", "LimitNICE=+20", "LimitAS=1X", "Nice=20",
    "OOMScoreAdjust=1001", "MemoryMax=0", "MemoryMax=lots", "CPUQuota=20", "CPUQuota=0%", "CPUWeight=0",
    "CPUShares=1", "TasksMax=-1", "UMask=999", "StandardOutput=file:relative", "StandardInput=what", "LogLevelMax=8",
    "RuntimeDirectory=/abs", "StateDirectory=a/../b", "ProtectSystem=maybe", "ReadOnlyPaths=relative",
    "BindPaths=/a:b", "CapabilityBoundingSet=CAP_NONE", "PrivateTmp=perhaps", "Environment=1BAD=x",
    "PassEnvironment=A-B", "StandardInputData=!", "CPUAffinity=3-1", "ConfigurationDirectory=a:b",
  ])
  func `a value that is not of its kind is passed over and named`(line: String) throws {
    let reading = try read(line)
    #expect(reading.errors.isEmpty)
    #expect(reading.findings.count == 1)
    guard case .ignoredValue(_, let name, _, _)? = reading.findings.first else {
      Issue.record("\(reading.findings)")
      return
    }
    #expect(line.hasPrefix("\(name)="))
    var untouched = reading.definition.execution
    untouched.directories = UnitDirectories()
    untouched.directivesForProcesses = []
    #expect(untouched == ExecutionSettings())
  }

  @Test(arguments: ["User=a b", "Group=-x", "SupplementaryGroups=a:b", "WorkingDirectory=x", "EnvironmentFile=x"])
  func `who and where must be understood`(line: String) throws {
    #expect(try read(line).errors.count == 1)
  }

  // MARK: Streams

  @Test func `input and output have files, nothing and the journal`() throws {
    #expect(try settings("").standardInput == .null)
    let files = try settings(
      "StandardInput=file:/etc/%i\nStandardOutput=append:/var/log/%i.log\nStandardError=truncate:/x"
    )
    #expect(files.standardInput == .file("/etc/1"))
    #expect(files.output == .append("/var/log/1.log"))
    #expect(files.errorOutput == .truncate("/x"))
    let data = try settings("StandardInputText=one\\ttwo %i\nStandardInputText=three\nStandardInputData=AAH/")
    #expect(data.standardInput == .data(Array("one\ttwo 1\nthree\n".utf8) + [0, 1, 255]))
    #expect(try settings("StandardInput=null\nStandardInputText=x").standardInput == .null)
    let defaults = try settings("StandardOutput=null\nStandardOutput=")
    #expect(defaults.output == .journal)
    #expect(defaults.errorOutput == .inherit)
  }

  @Test(arguments: [
    "StandardOutput=tty", "StandardError=kmsg", "StandardInput=fd:web", "StandardOutput=journal+console",
  ])
  func `streams that are not carried out are named with what is done instead`(line: String) throws {
    guard case .valueNotCarriedOut? = try read(line).findings.first else {
      Issue.record("\(line) is not named")
      return
    }
  }

  @Test func `a line's level decides whether it is kept`() throws {
    func kept(_ line: String, _ rule: OutputLineRule) -> String? {
      rule.kept(Array(line.utf8)).map { "\($0.level) \(String(decoding: $0.text, as: UTF8.self))" }
    }
    let rule = try settings("LogLevelMax=warning\nSyslogLevel=err").lineRule
    #expect(kept("plain", rule) == "3 plain")
    #expect(kept("<4>warned", rule) == "4 warned")
    #expect(kept("<6>informed", rule) == nil)
    #expect(kept("<30>daemon.info", rule) == nil)
    #expect(kept("<x>odd", rule) == "3 <x>odd")
    #expect(kept("<7>debugged", OutputLineRule()) == "7 debugged")
    #expect(kept("<7", OutputLineRule()) == "6 <7")
    #expect(OutputLineRule().kept([60, 51, 62, 0xff])?.text == [0xff])
    let plain = try settings("SyslogLevelPrefix=no\nLogLevelMax=notice").lineRule
    #expect(kept("<3>text", plain) == nil)
    #expect(kept("<3>text", try settings("SyslogLevelPrefix=no").lineRule) == "6 <3>text")
  }

  @Test func `a limit of lines is read, and each half of it has journald's default`() throws {
    #expect(try settings("Nice=1").lineRule.rateLimit == nil)
    #expect(
      try settings("LogRateLimitIntervalSec=1min").lineRule.rateLimit
        == LineRateLimit(intervalMicroseconds: 60_000_000, burst: 10_000)
    )
    #expect(
      try settings("LogRateLimitBurst=5").lineRule.rateLimit
        == LineRateLimit(intervalMicroseconds: 30_000_000, burst: 5)
    )
    #expect(try settings("LogRateLimitBurst=0").lineRule.rateLimit?.isOff == true)
    #expect(try read("LogRateLimitBurst=many").findings.count == 1)
  }

  @Test func `what holds only for processes is known`() throws {
    let settings = try settings("MemoryMax=1M\nNice=1\nNice=2\nUser=a\nLogLevelMax=info\nPrivateTmp=")
    #expect(settings.directivesForProcesses == ["MemoryMax", "Nice"])
  }

  // MARK: Directories

  @Test func `directories have their places, modes, links and variables`() throws {
    let directories = try settings(
      """
      RuntimeDirectory=foo/bar baz:link
      StateDirectory=web-%i
      StateDirectory=second
      StateDirectoryMode=0700
      ConfigurationDirectory=conf
      RuntimeDirectoryPreserve=restart
      """
    ).directories
    let items = directories.items(below: specifiers)
    #expect(items.map(\.path) == ["/run/foo/bar", "/run/baz", "/var/lib/web-1", "/var/lib/second", "/etc/conf"])
    #expect(items.map(\.mode) == [0o755, 0o755, 0o700, 0o700, 0o755])
    #expect(items.map(\.links) == [[], ["/run/link"], [], [], []])
    #expect(items.map(\.belongsToUser) == [true, true, true, true, false])
    #expect(directories.preservation == .restart)
    #expect(
      directories.variables(below: specifiers) == [
        "RUNTIME_DIRECTORY": "/run/foo/bar:/run/baz", "STATE_DIRECTORY": "/var/lib/web-1:/var/lib/second",
        "CONFIGURATION_DIRECTORY": "/etc/conf",
      ]
    )
  }

  // MARK: Capabilities

  @Test(arguments: [
    ("CapabilityBoundingSet=CAP_CHOWN cap_kill", UInt64(0b100001)),
    ("CapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=CAP_KILL", 0b100001),
    ("CapabilityBoundingSet=CAP_CHOWN CAP_KILL\nCapabilityBoundingSet=~CAP_KILL", 0b1),
    ("CapabilityBoundingSet=~CAP_CHOWN", ~UInt64(1)),
    ("CapabilityBoundingSet=", 0),
    ("CapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=~", .max),
  ])
  func `capabilities are listed, taken away and reset`(text: String, bits: UInt64) throws {
    #expect(try settings(text).sandbox.boundingSet?.bits == bits)
  }

  @Test func `what is protected takes the capabilities that would undo it`() throws {
    let sandbox = try settings("ProtectKernelModules=yes\nProtectClock=yes").sandbox
    #expect(sandbox.capabilities == CapabilitySet(bits: ~(1 << 16 | 1 << 25 | 1 << 35)))
    #expect(try settings("").sandbox.capabilities == nil)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

@Suite struct ExecutionTests {
  private func with(
    settings: (inout UnitSupervisionConfiguration) -> Void = { _ in },
    _ body: @Sendable @escaping (SupervisionFixture, String) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      let path = directory.path
      try await SupervisionFixture.with(
        directory: directory.appendingPathComponent("s"),
        environment: ["BASE": "base"],
        settings: settings
      ) { try await body($0, path) }
    }
  }

  private func write(_ text: String, _ path: String) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  // MARK: Environment

  @Test func `environment files are read before each command, in order and by pattern`() async throws {
    try await with { units, directory in
      try write("A=first\nB=first\n", "\(directory)/1.env")
      try write("B=second\n", "\(directory)/2.env")
      try write("C=old\n", "\(directory)/late")
      let lines = try await units.run(
        """
        Environment=A=unit "D=a b"
        EnvironmentFile=\(directory)/*.env
        EnvironmentFile=-\(directory)/none*.conf
        EnvironmentFile=\(directory)/late
        ExecStartPre=/bin/sh -c 'echo C=new >\(directory)/late'
        """,
        #"echo "$A,$B,$C,$D,$BASE""#
      )
      #expect(lines == ["first,second,new,a b,base"])
    }
  }

  @Test func `a pattern that has to match and does not keeps a service from starting`() async throws {
    try await with { units, directory in
      let failure = try await units.fail("EnvironmentFile=\(directory)/*.env")
      #expect(failure.said.contains { $0.contains("cannot read environment file \(directory)/*.env") })
    }
  }

  @Test func `a process is told its own number`() async throws {
    try await with { units, _ in
      let lines = try await units.run("", "test $SYSTEMD_EXEC_PID = $$ && echo same")
      #expect(lines == ["same"])
    }
  }

  @Test func `variables are passed on, taken away and made up`() async throws {
    try await with { units, directory in
      let lines = try await units.run(
        "PassEnvironment=HOME NONE\nUnsetEnvironment=BASE\nEnvironment=X=1",
        #"echo "$HOME,${BASE-gone},$X,${NONE-none},${#INVOCATION_ID}""#
      )
      let home = try #require(UnitEnvironment(base: [:], shimDirectory: "").own["HOME"])
      #expect(lines == ["\(home),gone,1,none,32"])
    }
  }

  @Test(.enabled(if: isRoot)) func `a user has the variables of its account, also with full privileges`() async throws {
    try await with { units, _ in
      // Nobody logs in as daemon, so there is no shell to tell of.
      let script = #"echo "$(id -un) $USER $LOGNAME $HOME ${SHELL-none}""#
      let account = try #require(UserAccounts.account("daemon"))
      let variables = "daemon daemon \(account.home) none"
      #expect(try await units.run("User=daemon", script) == ["daemon \(variables)"])
      #expect(
        try await units.run("User=daemon\nExecStartPre=+/bin/sh -c '\(SupervisionFixture.escaped(script))'", "true")
          == ["root \(variables)"]
      )
    }
  }

  // MARK: Identity

  @Test(.enabled(if: isRoot)) func `users, groups and numbers`() async throws {
    try await with { units, _ in
      let daemon = try #require(UserAccounts.account("daemon"))
      #expect(
        try await units.run("User=nobody\nGroup=daemon\nSupplementaryGroups=bin", "id -u; id -g; id -Gn")
          == ["65534", "\(daemon.groupID)", "daemon bin"]
      )
      // A number needs no account.
      #expect(try await units.run("User=54321\nGroup=54322", "id -u; id -g") == ["54321", "54322"])
      #expect(try await units.run("Group=daemon", "id -u; id -g") == ["0", "\(daemon.groupID)"])
      #expect(try await units.fail("User=nosuchuser").end == "217/USER")
      #expect(try await units.fail("Group=nosuchgroup").end == "216/GROUP")
    }
  }

  @Test func `working directories`() async throws {
    try await with { units, directory in
      #expect(try await units.run("WorkingDirectory=/usr", "pwd") == ["/usr"])
      #expect(try await units.run("WorkingDirectory=-/no/such", "pwd") == ["/"])
      if isRoot {
        let home = try #require(UserAccounts.account("daemon")).home
        #expect(try await units.run("User=daemon\nWorkingDirectory=~", "pwd") == [home])
      }
      let failure = try await units.fail("WorkingDirectory=/no/such")
      #expect(failure.end == "200/CHDIR")
      #expect(failure.said.contains { $0.contains("200/CHDIR") && $0.contains("/no/such") })
    }
  }

  // MARK: The process

  @Test(.enabled(if: isRoot)) func `what the kernel knows of a process`() async throws {
    try await with { units, _ in
      let lines = try await units.run(
        """
        Nice=7
        OOMScoreAdjust=321
        UMask=0027
        LimitNOFILE=123:456
        LimitCORE=0
        LimitAS=8G
        LimitNPROC=4321:infinity
        CPUAffinity=0
        CPUSchedulingPolicy=batch
        IOSchedulingClass=idle
        """,
        "nice; cat /proc/self/oom_score_adj; umask; ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -v;"
          + " set -- $(grep \"^Max processes\" /proc/self/limits); echo $3; echo $4;"
          + " grep Cpus_allowed_list /proc/self/status | tr -d \"[:space:]\"; echo; chrt -p $$ | head -n1; ionice -p $$"
      )
      // Without the capability for it a hard limit stays.
      var processes = rlimit()
      #expect(getrlimit(__rlimit_resource_t(__RLIMIT_NPROC.rawValue), &processes) == 0)
      let hard = try #require(lines.dropFirst(8).first)
      #expect(["unlimited", String(processes.rlim_max)].contains(hard))
      #expect(
        lines.prefix(10) == [
          "7", "321", "0027", "123", "456", "0", "8388608", "4321", hard, "Cpus_allowed_list:0",
        ]
      )
      #expect(lines.dropFirst(10).first?.hasSuffix("SCHED_BATCH") == true)
      #expect(lines.last == "idle")
    }
  }

  @Test func `SIGPIPE is ignored unless the unit wants it`() async throws {
    try await with { units, _ in
      // Bit 12 is signal 13.
      let script = "grep ^SigIgn: /proc/self/status | tail -c5 | head -c1; echo"
      let lines = try await units.run("", script)
      #expect(lines == ["1"])
      #expect(try await units.run("IgnoreSIGPIPE=no", script) == ["0"])
    }
  }

  // MARK: Streams

  @Test func `output goes to files, to their end, or nowhere`() async throws {
    try await with { units, directory in
      try write("123456\n", "\(directory)/file")
      try write("kept\n", "\(directory)/append")
      try write("long gone text\n", "\(directory)/truncate")
      let script = "echo out; echo err >&2"
      #expect(try await units.run("StandardOutput=file:\(directory)/file", "echo ab") == [])
      #expect(fileText("\(directory)/file") == "ab\n456\n")
      #expect(
        try await units.run("StandardOutput=append:\(directory)/append\nStandardError=journal", script) == ["err"]
      )
      #expect(fileText("\(directory)/append") == "kept\nout\n")
      _ = try await units.run(
        "StandardOutput=truncate:\(directory)/truncate\nStandardError=append:\(directory)/append",
        script
      )
      #expect(fileText("\(directory)/truncate") == "out\n")
      #expect(fileText("\(directory)/append") == "kept\nout\nerr\n")
      #expect(try await units.run("StandardOutput=null", script) == [])
      #expect(try await units.run("StandardOutput=null\nStandardError=journal", script) == ["err"])
      // Without anything to read there is nothing to inherit.
      #expect(try await units.run("StandardOutput=inherit\nStandardError=journal", script) == ["err"])
      #expect(try await units.run("StandardError=inherit", script) == ["out", "err"])
      _ = try await units.run("StandardOutput=append:\(directory)/both", script)
      #expect(fileText("\(directory)/both") == "out\nerr\n")
    }
  }

  @Test func `input is nothing, data or a file`() async throws {
    try await with { units, directory in
      try write("from a file\n", "\(directory)/in")
      #expect(try await units.run("", "cat; echo end") == ["end"])
      #expect(
        try await units.run("StandardInputText=one %i\nStandardInputData=dHdvCg==", "cat") == ["one 1", "two"]
      )
      #expect(try await units.run("StandardInput=file:\(directory)/in", "cat") == ["from a file"])
      _ = try await units.run(
        "StandardInput=file:\(directory)/in\nStandardOutput=file:\(directory)/in",
        "read line; echo more"
      )
      #expect(fileText("\(directory)/in") == "from a file\nmore\n")
    }
  }

  @Test func `a file that cannot be opened says at which stream`() async throws {
    try await with { units, directory in
      let output = try await units.fail("StandardOutput=file:\(directory)/no/such")
      #expect(output.end == "209/STDOUT")
      #expect(output.said.contains { $0.contains("cannot open \(directory)/no/such") })
      #expect(try await units.fail("StandardError=append:\(directory)/no/such").end == "222/STDERR")
      #expect(try await units.fail("StandardInput=file:\(directory)/no/such").end == "208/STDIN")
    }
  }

  @Test func `lines below the wanted level are dropped`() async throws {
    try await with { units, _ in
      let lines = try await units.run("LogLevelMax=notice", "echo \"<3>bad\"; echo \"<7>chatter\"; echo plain")
      #expect(lines == ["bad"])
    }
  }

  // MARK: Drop-ins and warnings

  @Test func `drop-ins of the machine and of the cloud-config change a unit, which stays the same unit`() async throws {
    try await withTestDirectory { directory in
      let machine = directory.appendingPathComponent("units/probe@.service.d")
      try FileManager.default.createDirectory(at: machine, withIntermediateDirectories: true)
      try write("[Service]\nEnvironment=A=machine B=machine\nDynamicUser=yes\n", "\(machine.path)/10-a.conf")
      try write("[Service]\nEnvironment=C=machine\n", "\(machine.path)/20-b.conf")
      let root = directory.path
      try await SupervisionFixture.with(
        directory: directory.appendingPathComponent("s"),
        settings: {
          $0.dropInDirectories = ["\(root)/units"]
          $0.dropIns = [
            DropIn(directory: "probe@.service.d", name: "20-b.conf", text: "[Service]\nEnvironment=B=cloud\n"),
            DropIn(directory: "probe@1.service.d", name: "bad.conf", text: "[Service\n"),
          ]
        }
      ) { units in
        let text =
          "[Service]\nEnvironment=A=unit\nExecStart=/bin/sh -c 'echo $A,$B,$${C-none}; exec sleep 1000'\nNice=99\n"
        try await units.load(["probe@1.service": text])
        try await units.start("probe@1.service")
        try await eventually("output") { try await units.output("probe@1.service") == ["machine,cloud,none"] }
        let status = try await units.status("probe@1.service")
        #expect(status.unit.hash == (try UnitFile(parsing: text)).hash)
        #expect(status.warnings.count == 3)
        #expect(status.warnings.contains { $0.hasPrefix("DynamicUser= in [Service] is not carried out") })
        #expect(status.warnings.contains { $0.hasPrefix("Nice=99 in [Service] is ignored") })
        #expect(status.warnings.contains { $0.hasPrefix("drop-in probe@1.service.d/bad.conf:1:") })
      }
    }
  }

  @Test func `a unit finds its own file`() async throws {
    try await with { units, _ in
      let lines = try await units.run("", "grep -c ^SyslogIdentifier=out %y; ls %Y")
      #expect(lines == ["1", "probe@1.service"])
    }
  }
}

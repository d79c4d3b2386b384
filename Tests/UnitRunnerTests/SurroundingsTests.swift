// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Directories, sandbox and control groups of real processes.
@Suite(.enabled(if: isRoot)) struct SurroundingsTests {
  private func with(
    settings: (inout UnitSupervisionConfiguration) -> Void = { _ in },
    _ body: @Sendable @escaping (SupervisionFixture, String) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      let path = directory.path
      // Other users have to get to what is theirs.
      chmod(path, 0o755)
      try await SupervisionFixture.with(
        directory: directory.appendingPathComponent("s"),
        settings: settings
      ) {
        chmod("\(path)/s", 0o755)
        try await body($0, path)
      }
    }
  }

  // MARK: Directories

  @Test func `a start behind a stop in one step is a new run, with directories of its own`() async throws {
    try await with { units, _ in
      let script = "echo $INVOCATION_ID; ls $RUNTIME_DIRECTORY | wc -l; touch $RUNTIME_DIRECTORY/file; exec sleep 1000"
      try await units.load([
        "a.service": "[Service]\nRuntimeDirectory=one\nExecStart=/bin/sh -c '\(SupervisionFixture.escaped(script))'"
      ])
      try await units.start("a.service")
      try await eventually("the first run's output") { try await units.output("a.service").count == 2 }
      try await units.supervision.restart(try UnitName("a.service"))
      try await eventually("the second run's output") { try await units.output("a.service").count == 4 }
      let lines = try await units.output("a.service")
      #expect(lines[0] != lines[2], "\(lines)")
      #expect([lines[1], lines[3]] == ["0", "0"], "\(lines)")
    }
  }

  @Test func `directories belong to the user, and runtime directories go with the run`() async throws {
    try await with { units, directory in
      let root = "\(directory)/s/root"
      try await units.load([
        "a@x.service": """
        [Service]
        User=nobody
        Group=daemon
        RuntimeDirectory=one/two three:link
        RuntimeDirectoryMode=0750
        StateDirectory=state-%i
        ConfigurationDirectory=conf
        ExecStart=/bin/sh -c 'touch $STATE_DIRECTORY/file; echo $RUNTIME_DIRECTORY; exec sleep 1000'
        """
      ])
      try await units.start("a@x.service")
      try await eventually("output") {
        try await units.output("a@x.service") == ["\(root)/run/one/two:\(root)/run/three"]
      }
      #expect(owner("\(root)/run/one") == "0:0 755")
      #expect(owner("\(root)/run/one/two") == "65534:1 750")
      #expect(owner("\(root)/var/lib/state-x") == "65534:1 755")
      #expect(owner("\(root)/etc/conf") == "0:0 755")
      #expect(resolvedLink("\(root)/run/link") == "\(root)/run/three")
      try await units.stop("a@x.service")
      try await units.expect("a@x.service", "inactive/dead")
      #expect(directoryEntries("\(root)/run/one").filter { !$0.contains(".gone-") } == [])
      #expect(owner("\(root)/run/three") == nil)
      #expect(owner("\(root)/run/link") == nil)
      #expect(owner("\(root)/var/lib/state-x/file") != nil)
      try await eventually("nothing to be left") { directoryEntries("\(root)/run/one").isEmpty }
    }
  }

  @Test(arguments: [("no", false, false), ("restart", true, false), ("yes", true, true)])
  func `runtime directories are preserved as the unit wishes`(
    preserve: String,
    overRestart: Bool,
    overStop: Bool
  ) async throws {
    try await with { units, directory in
      let path = "\(directory)/s/root/run/kept"
      try await units.load([
        "a.service": """
        [Service]
        RuntimeDirectory=kept
        RuntimeDirectoryPreserve=\(preserve)
        Restart=always
        RestartSec=10ms
        ExecStart=/bin/sh -c 'echo $(ls %t/kept); touch %t/kept/mark; exec sleep 1000'
        """
      ])
      try await units.start("a.service")
      try await eventually("the first run") { owner("\(path)/mark") != nil }
      kill(try await units.mainProcess("a.service"), SIGKILL)
      try await eventually("the second run") { try await units.output("a.service").count == 2 }
      #expect(try await units.output("a.service") == ["", overRestart ? "mark" : ""])
      try await units.stop("a.service")
      try await units.expect("a.service", "inactive/dead")
      #expect((owner(path) != nil) == overStop)
    }
  }

  @Test func `what is in a directory changes its owner with it, links are not followed`() async throws {
    try await with { units, directory in
      let state = "\(directory)/s/root/var/lib/data"
      #expect(makeDirectories("\(state)/deep", mode: 0o755))
      let outside = "\(directory)/outside"
      for path in ["\(state)/deep/file", outside] { try "x".write(toFile: path, atomically: true, encoding: .utf8) }
      #expect(symlink(outside, "\(state)/link") == 0)
      _ = try await units.run("User=daemon\nStateDirectory=data", "true")
      for name in ["", "/deep", "/deep/file", "/link"] {
        #expect(owner(state + name)?.hasPrefix("1:1 ") == true, "\(name)")
      }
      #expect(owner(outside)?.hasPrefix("0:0 ") == true)
    }
  }

  @Test func `a link that the unit's user has put in a directory's place is not followed`() async throws {
    try await with { units, directory in
      let (state, run, outside) = ("\(directory)/s/root/var/lib", "\(directory)/s/root/run", "\(directory)/outside")
      _ = try await units.run("User=daemon\nStateDirectory=app app/data", "true")
      #expect(makeDirectories("\(outside)/deep", mode: 0o755))
      #expect(rmdir("\(state)/app/data") == 0 && symlink(outside, "\(state)/app/data") == 0)
      let failure = try await units.fail("User=daemon\nStateDirectory=app app/data")
      #expect(failure.end == "238/STATE_DIRECTORY")
      #expect(owner(outside)?.hasPrefix("0:0 ") == true)
      // What lies behind one is not removed either.
      try await units.load([
        "a.service": "[Service]\nUser=daemon\nRuntimeDirectory=app/x/deep app\nExecStart=/bin/sleep 1000"
      ])
      try await units.start("a.service")
      _ = try await units.mainProcess("a.service")
      #expect(rename("\(run)/app/x", "\(run)/app/y") == 0 && symlink(outside, "\(run)/app/x") == 0)
      try await units.stop("a.service")
      try await units.expect("a.service", "inactive/dead")
      #expect(directoryEntries(outside) == ["deep"])
      // One that the administrator has put there is.
      #expect(symlink(outside, "\(state)/moved") == 0)
      _ = try await units.run("User=daemon\nStateDirectory=moved/here", "true")
      #expect(owner("\(outside)/here")?.hasPrefix("1:1 ") == true)
    }
  }

  @Test func `what is put in the place of a socket's file keeps its mode and owner`() async throws {
    try await withTestDirectory { directory in
      var settings = SocketDefinition.Settings()
      settings.mode = 0o666
      let request = ListenRequest(
        unit: "a.socket",
        listeners: [],
        settings: settings,
        userID: 1,
        groupID: 1,
        accepts: false,
        connections: []
      )
      let (path, secret) = ("\(directory.path)/a.sock", "\(directory.path)/secret")
      try "x".write(toFile: secret, atomically: true, encoding: .utf8)
      chmod(secret, 0o600)
      #expect(symlink(secret, path) == 0)
      #expect(throws: SocketOpener.Problem.self) { try SocketOpener(request: request).adjust(path) }
      #expect(owner(secret) == "0:0 600")
      #expect(unlink(path) == 0)
      let listener = LocalSocket.listen(directory: directory.path, name: "a.sock")
      defer { close(listener) }
      try SocketOpener(request: request).adjust(path)
      #expect(owner(path) == "1:1 666")
    }
  }

  @Test func `a directory that cannot be made says which`() async throws {
    try await with { units, directory in
      #expect(makeDirectories("\(directory)/s/root/var/cache", mode: 0o755))
      try "x".write(toFile: "\(directory)/s/root/var/cache/taken", atomically: true, encoding: .utf8)
      let failure = try await units.fail("CacheDirectory=taken")
      #expect(failure.end == "239/CACHE_DIRECTORY")
      #expect(failure.said.contains { $0.contains("var/cache/taken (CacheDirectory=)") })
    }
  }

  // MARK: Sandbox

  @Test func `a private tmp is the unit's own, for all of its commands, until it is down`() async throws {
    try await with { units, directory in
      let mark = "coracle-test-\(getpid())"
      let lines = try await units.run(
        "PrivateTmp=yes\nUser=nobody\nExecStartPre=/bin/touch /tmp/\(mark) /var/tmp/\(mark)",
        "ls /tmp /var/tmp; stat -c %%a /tmp"
      )
      #expect(lines == ["/tmp:", mark, "", "/var/tmp:", mark, "1777"])
      #expect(owner("/tmp/\(mark)") == nil)
      #expect(owner("/var/tmp/\(mark)") == nil)
      try await eventually("the unit's tmp to be gone") {
        directoryEntries("\(directory)/s/private") == ["closed"]
      }
    }
  }

  @Test func `the system is read-only, and what is the unit's own is not`() async throws {
    try await with { units, directory in
      let script =
        "for d in /usr /etc /var /run $STATE_DIRECTORY; do if touch $d/.probe 2>/dev/null; then rm $d/.probe; echo w;"
        + " else echo r; fi; done; echo x >/dev/null && echo dev"
      for (protection, expected) in [
        ("no", "w w w w w dev"), ("yes", "r w w w w dev"), ("full", "r r w w w dev"), ("strict", "r r r r w dev"),
      ] {
        let lines = try await units.run("StateDirectory=mine\nProtectSystem=\(protection)", script)
        #expect(lines.joined(separator: " ") == expected, "\(protection)")
      }
      #expect(access("/usr", W_OK) == 0)
    }
  }

  @Test func `paths are closed, read-only, writable and seen elsewhere`() async throws {
    try await with { units, directory in
      for name in ["closed", "locked/open", "from", "hidden/shown"] {
        #expect(makeDirectories("\(directory)/\(name)", mode: 0o755))
      }
      for name in ["closed/secret", "secret", "from/file", "hidden/file", "hidden/shown/file"] {
        try "x".write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
      }
      let lines = try await units.run(
        """
        InaccessiblePaths=\(directory)/closed \(directory)/secret -/no/such
        ReadOnlyPaths=\(directory)/locked
        ReadWritePaths=\(directory)/locked/open
        BindPaths=\(directory)/from:\(directory)/new/place
        BindReadOnlyPaths=\(directory)/from:\(directory)/fixed
        TemporaryFileSystem=\(directory)/hidden:ro
        BindPaths=\(directory)/hidden/shown
        """,
        """
        cd \(directory); ls closed; cat secret; touch locked/a 2>/dev/null || echo locked; \
        touch locked/open/a && echo open; touch new/place/b && echo bound; touch fixed/c 2>/dev/null || echo fixed; \
        ls fixed; ls hidden hidden/shown; touch hidden/d 2>/dev/null || echo hidden
        """
      )
      #expect(
        lines
          == [
            "locked", "open", "bound", "fixed", "b", "file", "\(directory)/hidden:", "shown", "",
            "\(directory)/hidden/shown:", "file", "hidden",
          ].map { $0.replacingOccurrences(of: "\(directory)/", with: "") }
      )
      #expect(owner("\(directory)/locked/open/a") != nil)
      #expect(owner("\(directory)/from/b") != nil)
      #expect(owner("\(directory)/hidden/file") != nil)
    }
  }

  @Test func `homes and the kernel's settings are kept away`() async throws {
    try await with { units, _ in
      let homes = try await units.run("ProtectHome=yes", "ls -A /root /home | grep -v : | tr -d \"\\n\"; echo end")
      #expect(homes == ["end"])
      let script = "test -w /proc/sys/kernel/hostname || echo no; test -w /dev/null && echo yes"
      #expect(try await units.run("", script) == ["yes"])
      #expect(try await units.run("ProtectKernelTunables=yes", script) == ["no", "yes"])
    }
  }

  @Test func `private devices are those that every program needs`() async throws {
    try await with { units, _ in
      let script =
        "echo x >/dev/null && head -c1 /dev/zero | wc -c; echo out >/dev/stdout; ls /dev/mem /dev/kmsg"
        + " /dev/*da 2>/dev/null; mknod /dev/shm/made c 1 3 2>/dev/null || echo refused"
      let lines = try await units.run("PrivateDevices=yes", script)
      #expect(lines == ["1", "out", "refused"])
    }
  }

  @Test func `a machine without namespaces is told of, and the unit runs where nothing else depends on them`() throws {
    func start(_ directives: [String]?) throws -> ProcessStart {
      var request = ProcessRequest(
        id: "1",
        unit: "a.service",
        source: "a",
        program: "/bin/true",
        words: ["true"],
        environment: []
      )
      // No such namespace.
      request.settings.namespaces = ProcessSettings.Namespaces(flags: 1, dispensableDirectives: directives)
      var groups = UnitGroups(name: "none", usesControlGroups: false)
      let streams = try ProcessStreams(request.settings)
      let start = ProcessStart(request, streams, &groups, openFilesLimit: 0)
      streams.close()
      if let journal = streams.journal { close(journal) }
      if start.result.pid > 0 { waitpid(start.result.pid, nil, 0) }
      return start
    }
    let dispensable = try start(["PrivateTmp", "ProtectHome"])
    #expect(dispensable.failure == nil)
    #expect(
      dispensable.warnings == [
        "PrivateTmp=, ProtectHome= are not carried out: this machine gives no namespaces (Invalid argument)"
      ]
    )
    #expect(try start(nil).failure?.end == .exited(226))
  }

  @Test func `a mount that cannot be made says which`() async throws {
    try await with { units, directory in
      let failure = try await units.fail("BindPaths=\(directory)/none:/mnt")
      #expect(failure.end == "226/NAMESPACE")
      #expect(failure.said.contains { $0.contains("mount of \(directory)/none at /mnt") })
      #expect(try await units.fail("ReadOnlyPaths=/no/such").end == "226/NAMESPACE")
    }
  }

  @Test func `a private network has a loopback device and nothing else`() async throws {
    try await with { units, _ in
      #expect(try await units.run("PrivateNetwork=yes", "grep -c : /proc/net/dev") == ["1"])
      let outside = resolvedLink("/proc/self/ns/net")
      let inside = try await units.run("PrivateNetwork=yes", "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc")
      #expect(inside.first != outside)
      #expect(inside.last == resolvedLink("/proc/self/ns/ipc"))
    }
  }

  @Test func `privileges are bounded and handed on`() async throws {
    try await with { units, _ in
      let script = "grep -E \"^(CapEff|CapBnd|NoNewPrivs):\" /proc/self/status | cut -f2"
      #expect(
        try await units.run("CapabilityBoundingSet=CAP_CHOWN CAP_KILL\nNoNewPrivileges=yes", script) == [
          "0000000000000021", "0000000000000021", "1",
        ]
      )
      let ambient = try await units.run("User=nobody\nAmbientCapabilities=CAP_NET_BIND_SERVICE", script)
      #expect(ambient.first == "0000000000000400")
      #expect(try await units.run("User=nobody", script).first == "0000000000000000")
      // A command with full privileges is not in the sandbox.
      #expect(
        try await units.run("NoNewPrivileges=yes\nExecStartPre=+/bin/sh -c '\(script)'", "true").last == "0"
      )
    }
  }

  // MARK: Control groups

  /// The group of a controller that this process could make groups in.
  private static func tree(_ controller: String) -> ControlGroupTrees? {
    let trees = ControlGroupTrees(name: "probe-\(getpid())", mounts: ControlGroupMount.here(), root: nil)
    defer { for base in trees.bases { rmdir(base) } }
    return trees.available[controller] == nil ? nil : trees
  }

  @Test(.enabled(if: tree("memory") != nil && tree("cpu") != nil && tree("pids") != nil))
  func `limits hold for all processes of a unit together and go with it`() async throws {
    try await with { units, _ in
      let isLegacy = Self.tree("memory")?.available["memory"] == .legacy
      let files =
        isLegacy
        ? [("memory", "memory.limit_in_bytes"), ("cpu", "cpu.cfs_quota_us"), ("pids", "pids.max")]
        : [("", "memory.max"), ("", "cpu.max"), ("", "pids.max")]
      let mounts = ControlGroupMount.here()
      let prints = files.compactMap { controller, file in
        mounts.first { ($0.legacyControllers ?? [""]).contains(controller) }.map { mount in
          "cat \(mount.path)/$(grep :\(controller): /proc/self/cgroup | cut -d: -f3)/\(file)"
        }
      }
      let lines = try await units.run(
        "MemoryMax=64M\nCPUQuota=50%\nTasksMax=30",
        prints.joined(separator: "; ") + "; grep :\(files[0].0): /proc/self/cgroup | cut -d: -f3"
      )
      #expect(lines.count == 4)
      #expect(lines.first == "67108864")
      #expect(lines.dropFirst().first == (isLegacy ? "50000" : "50000 100000"))
      #expect(lines.dropFirst(2).first == "30")
      let group = try #require(lines.last)
      #expect(group.hasSuffix("/probe@1.service"))
      let mount = try #require(mounts.first { ($0.legacyControllers ?? [""]).contains(files[0].0) })
      try await eventually("the unit's group to be gone") { access("\(mount.path)\(group)", F_OK) != 0 }
    }
  }

  @Test(.enabled(if: tree("memory") != nil))
  func `a unit that wants more memory than it may have is killed`() async throws {
    try await with { units, _ in
      try await units.load([
        "a.service": """
        [Service]
        MemoryMax=16M
        MemorySwapMax=0
        ExecStart=/bin/dd if=/dev/zero of=/dev/null bs=100M count=1
        """
      ])
      try await units.start("a.service")
      try await units.expect("a.service", "failed/failed")
      #expect(try await units.status("a.service").commands.last?.end == "signal KILL")
    }
  }

  @Test func `without control groups each directive is named once and the unit runs`() async throws {
    try await with(settings: { $0.usesControlGroups = false }) { units, _ in
      try await units.load([
        "a.service": """
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        MemoryMax=16M
        TasksMax=10
        ExecStart=/bin/true
        ExecStart=/bin/true
        """
      ])
      try await units.start("a.service")
      try await units.expect("a.service", "active/exited")
      try await eventually("the notes, once each") {
        try await units.status("a.service").journal.map(\.text).filter { $0.contains("not carried out") } == [
          "a.service: MemoryMax= is not carried out: this machine has no memory controller to use",
          "a.service: TasksMax= is not carried out: this machine has no pids controller to use",
        ]
      }
    }
  }
}

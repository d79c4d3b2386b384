// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import Testing

@Suite struct SystemPlannerTests {
  private typealias Variable = SystemPlan.Variable

  private static let everything = BootPlan(
    localUnits: [
      LocalUnitPlan(name: "a.service", content: "[Service]\nExecStart=/bin/true\n", command: .start),
      LocalUnitPlan(name: "10-eth.network", content: "[Match]\nName=eth0\n"),
    ],
    localUnitsCarrier: .systemd,
    system: SystemPlan(
      hostname: "core1",
      sshAuthorizedKeys: ["ssh-rsa AAA core"],
      users: [SystemPlan.User(name: "carl", passwordHash: "$6$x", sshAuthorizedKeys: ["ssh-rsa BBB carl"])],
      files: [SystemPlan.File(path: "/srv/a", content: [65], owner: "carl:carl", permissions: 0o600)],
      managesEtcHosts: true,
      update: [Variable(name: "REBOOT_STRATEGY", value: "reboot")],
      locksmith: [Variable(name: "LOCKSMITHD_ENDPOINT", value: "http://h:1")],
      flannel: [Variable(name: "FLANNELD_IFACE", value: "eth0")],
      oem: [Variable(name: "ID", value: "box"), Variable(name: "NAME", value: "A Box")],
      addresses: [Variable(name: "COREOS_PUBLIC_IPV4", value: "192.0.2.1")],
      scripts: [SystemPlan.Script(name: "user-data", content: Array("#!/bin/sh\n".utf8))]
    )
  )

  @Test func `everything is done in the order of coreos-cloudinit`() {
    #expect(
      MemoryComputer.usual.steps(Self.everything).map(\.title) == [
        "set the host name to core1 in /etc/hostname", "set the host name to core1 now",
        "make the user carl (1002:1002), home /home/carl, shell /bin/sh", "make the home directory /home/carl",
        "let 1 key in as carl, in /home/carl/.ssh/authorized_keys",
        "make the user core (1003:1003), home /home/core, shell /bin/sh, in sudo", "make the home directory /home/core",
        "let 1 key in as core, in /home/core/.ssh/authorized_keys",
        "write /srv/a, 1 byte, 0600 carl:carl", "write /etc/oem-release, 20 bytes, 0644 root:root",
        "set REBOOT_STRATEGY in /etc/coreos/update.conf", "write /etc/hosts, 50 bytes, 0644 root:root",
        "write /run/flannel/options.env, 20 bytes, 0644 root:root", "set COREOS_PUBLIC_IPV4 in /etc/environment",
        "write /etc/systemd/network/10-eth.network, 18 bytes, 0644 root:root",
        "write /etc/systemd/system/a.service, 30 bytes, 0644 root:root",
        "write /run/systemd/system/locksmithd.service.d/20-cloudinit.conf, 55 bytes, 0644 root:root",
        "have systemd read its units again", "restart systemd-networkd.service", "start a.service",
        "write /var/lib/coracle/scripts/1-user-data, 10 bytes, 0700 root:root", "run the script user-data",
      ]
    )
  }

  @Test func `what has been carried out once is left alone, but for scripts`() {
    let computer = MemoryComputer.usual
    let first = computer.steps(Self.everything)
    #expect(first.allSatisfy { $0.outcome == "change" }, "\(first.map { "\($0.title): \($0.outcome)" })")
    let second = computer.after(first).steps(Self.everything)
    #expect(second.filter(\.isChange).map(\.title) == ["run the script user-data"])
  }

  @Test func `commands and scripts wait for the node, all else is done before it`() {
    let phases = MemoryComputer.usual.steps(Self.everything).filter { $0.phase == .commands }.map(\.title)
    #expect(phases == ["start a.service", "run the script user-data"])
  }

  @Test func `in a tree of files nothing is run and the computer is not named`() {
    var tree = MemoryComputer.usual
    tree.isLive = false
    tree.hasSystemd = false
    let steps = tree.steps(Self.everything)
    #expect(
      steps.filter { $0.outcome == "leave out: nothing runs in a tree of files" }.map(\.title) == [
        "have systemd read its units again", "restart systemd-networkd.service", "start a.service",
        "run the script user-data",
      ]
    )
    #expect(!steps.flatMap(\.actions).contains(.setHostname("core1")))
    #expect(tree.after(steps).text("/etc/systemd/system/a.service") != nil)
  }

  // MARK: Files

  @Test func `a file is left alone only with the same content, mode and owner`() {
    let file = SystemPlan.File(path: "/a", content: [65], owner: "bob", permissions: 0o640)
    func outcome(_ text: String, _ mode: UInt32, _ user: UInt32) -> String {
      var computer = MemoryComputer.usual
      computer.put("/a", text, mode: mode, owner: FileOwner(userID: user, groupID: 0))
      return computer.steps(SystemPlan(files: [file]))[0].outcome
    }
    #expect(outcome("A", 0o640, 1001) == "keep")
    #expect(outcome("B", 0o640, 1001) == "change")
    #expect(outcome("A", 0o644, 1001) == "change")
    #expect(outcome("A", 0o640, 0) == "change")
  }

  @Test(
    arguments: [
      ("bob", 1001, 0), ("bob:sudo", 1001, 27), ("bob:", 1001, 1001), (":users", 0, 100), ("33:44", 33, 44),
      ("root:root", 0, 0),
    ] as [(String, UInt32, UInt32)]
  )
  func `an owner is read as chown reads it`(_ text: String, _ user: UInt32, _ group: UInt32) throws {
    let steps = MemoryComputer.usual.steps(SystemPlan(files: [SystemPlan.File(path: "/a", content: [], owner: text)]))
    guard case .writeFile(let file)? = steps[0].actions.first else {
      Issue.record("\(steps[0].outcome)")
      return
    }
    #expect(file.owner == FileOwner(userID: user, groupID: group))
  }

  @Test(arguments: [
    ("/a", "nobody-here", "there is no user \"nobody-here\" to own it"),
    ("/a", "bob:none", "there is no group \"none\" to own it"),
    ("/a/../etc/x", "root", "the path \"/a/../etc/x\" must not hold \"..\""),
    ("a", "root", "the path \"a\" must begin with \"/\""),
    (
      "/a\n", "root",
      "a path cannot hold line ends or other control characters; write it on one line, without \"|\""
    ),
    ("/home/ann", "root", "/home/ann is a directory; remove it, or name another path"),
    ("/home/", "root", "the path \"/home/\" names a directory, not a file"),
    ("/dev/null", "root", "/dev/null is a device, not a file; name another path"),
    ("/etc/passwd/x", "root", "/etc/passwd is a file, not a directory"),
  ])
  func `a file that cannot be written is refused, and the next one is not`(
    _ path: String,
    _ owner: String,
    _ reason: String
  ) {
    var computer = MemoryComputer.usual
    computer.entries["/dev/null"] = .other("a device")
    let files = [
      SystemPlan.File(path: path, content: [], owner: owner), SystemPlan.File(path: "/b", content: []),
    ]
    #expect(computer.steps(SystemPlan(files: files)).map(\.outcome) == ["refuse: \(reason)", "change"])
  }

  @Test func `a file in the place of a directory that another file has made is refused`() {
    let files = [SystemPlan.File(path: "/x", content: []), SystemPlan.File(path: "/x/y", content: [])]
    #expect(
      MemoryComputer.usual.steps(SystemPlan(files: files)).map(\.outcome)
        == ["change", "refuse: /x is a file, not a directory"]
    )
  }

  @Test func `who cannot give files away does not look at owners`() {
    var computer = MemoryComputer.usual
    computer.setsOwners = false
    computer.put("/a", "A", owner: FileOwner(userID: 7, groupID: 7))
    let steps = computer.steps(
      SystemPlan(files: [
        SystemPlan.File(path: "/a", content: [65], owner: "bob"), SystemPlan.File(path: "/b", content: []),
      ])
    )
    #expect(steps.map(\.outcome) == ["keep", "change"])
    #expect(steps[1].actions == [.writeFile(FileWrite(path: "/b", content: [], mode: 0o644))])
  }

  // MARK: Settings

  @Test func `addresses are set in place and at the end, and other lines stay`() {
    var computer = MemoryComputer.usual
    computer.put("/etc/environment", "# mine\r\nCOREOS_PUBLIC_IPV4=1\nPATH=/bin", mode: 0o600)
    let system = SystemPlan(addresses: [
      Variable(name: "COREOS_PUBLIC_IPV4", value: "2"), Variable(name: "COREOS_PRIVATE_IPV4", value: "3"),
    ])
    let after = computer.after(computer.steps(system))
    #expect(after.text("/etc/environment") == "# mine\nCOREOS_PUBLIC_IPV4=2\nPATH=/bin\nCOREOS_PRIVATE_IPV4=3\n")
    guard case .file(let file) = after.entry(at: "/etc/environment") else { return }
    #expect(file.mode == 0o600)
  }

  @Test func `the document's own environment file counts, not the addresses`() {
    let system = SystemPlan(
      files: [SystemPlan.File(path: "//etc/./environment", content: [65])],
      addresses: [Variable(name: "COREOS_PUBLIC_IPV4", value: "2")]
    )
    #expect(MemoryComputer.usual.steps(system).count == 1)
  }

  @Test func `a file that is no text is not merged into`() {
    var computer = MemoryComputer.usual
    computer.entries["/etc/environment"] = .file(TreeFile(content: [0xff]))
    let steps = computer.steps(SystemPlan(addresses: [Variable(name: "A", value: "1")]))
    #expect(steps.map(\.outcome) == ["refuse: /etc/environment is not UTF-8; it is left as it is"])
  }

  @Test func `settings of updates begin with those that came with the computer`() {
    var computer = MemoryComputer.usual
    computer.put("/usr/share/coreos/update.conf", "GROUP=stable\nX=1\n")
    let system = SystemPlan(update: [Variable(name: "GROUP", value: "alpha"), Variable(name: "SERVER", value: "s")])
    #expect(computer.after(computer.steps(system)).text("/etc/coreos/update.conf") == "GROUP=alpha\nX=1\nSERVER=s\n")
  }

  @Test func `hosts names localhost in both families, then the computer`() {
    let computer = MemoryComputer.usual
    let named = computer.after(computer.steps(SystemPlan(hostname: "core1", managesEtcHosts: true)))
    #expect(named.text("/etc/hosts") == "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 core1\n")
    let unnamed = computer.after(computer.steps(SystemPlan(managesEtcHosts: true)))
    #expect(unnamed.text("/etc/hosts") == "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 old\n")
  }

  @Test func `texts of other programs are quoted`() {
    let system = SystemPlan(
      oem: [Variable(name: "ID", value: "box"), Variable(name: "NAME", value: "A \"Box\"")]
    )
    let computer = MemoryComputer.usual
    #expect(computer.after(computer.steps(system)).text("/etc/oem-release") == "ID=box\nNAME=\"A \\\"Box\\\"\"\n")
    let plan = BootPlan(
      localUnitsCarrier: .systemd,
      system: SystemPlan(locksmith: [Variable(name: "A", value: "a\"\nExecStart=/bin/evil")])
    )
    #expect(
      computer.after(computer.steps(plan)).text("/run/systemd/system/locksmithd.service.d/20-cloudinit.conf")
        == "[Service]\nEnvironment=\"A=a\\\"\\nExecStart=/bin/evil\"\n"
    )
  }

  @Test(arguments: ["", "-a", "a b", "a\n", "a/b", String(repeating: "a", count: 65), "ä"])
  func `a host name that is none is refused`(_ name: String) {
    let steps = MemoryComputer.usual.steps(SystemPlan(hostname: name))
    #expect(steps.count == 1 && steps[0].outcome.hasPrefix("refuse: a host name has 1 to 64"))
  }

  @Test func `a computer that has the name is not named again`() {
    var computer = MemoryComputer.usual
    computer.hostname = "core1"
    #expect(computer.steps(SystemPlan(hostname: "core1")).map(\.outcome) == ["change", "keep"])
    computer.put("/etc/hostname", "core1\n")
    #expect(computer.steps(SystemPlan(hostname: "core1")).map(\.outcome) == ["keep"])
  }

  // MARK: Scripts

  @Test func `scripts are stored for root alone, under names that lead nowhere`() {
    let scripts = ["../../etc/x y", "same", "same"].map { SystemPlan.Script(name: $0, content: [35]) }
    let steps = MemoryComputer.usual.steps(SystemPlan(scripts: scripts))
    #expect(
      steps.flatMap(\.actions).compactMap { if case .runScript(let path, _) = $0 { path } else { nil } } == [
        "/var/lib/coracle/scripts/1-x-y", "/var/lib/coracle/scripts/2-same", "/var/lib/coracle/scripts/3-same",
      ]
    )
    #expect(steps[1].needs == [0] && steps[3].needs == [2])
  }
}

// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import Testing

@Suite struct AccountPlanningTests {
  typealias User = SystemPlan.User

  private func lines(_ computer: MemoryComputer, _ path: String, _ prefix: String) -> [String] {
    (computer.text(path) ?? "").split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
  }

  private func after(_ computer: MemoryComputer, _ users: User...) -> MemoryComputer {
    let steps = computer.steps(SystemPlan(users: users))
    #expect(steps.allSatisfy { !$0.outcome.hasPrefix("refuse") }, "\(steps.map(\.outcome))")
    return computer.after(steps)
  }

  @Test func `a new user gets the next id, a group of its own and a locked password`() {
    let computer = after(.usual, User(name: "carl", remarks: "Carl", groups: ["sudo"], shell: "/bin/zsh"))
    #expect(lines(computer, "/etc/passwd", "carl") == ["carl:x:1002:1002:Carl:/home/carl:/bin/zsh"])
    #expect(lines(computer, "/etc/group", "carl") == ["carl:x:1002:"])
    #expect(lines(computer, "/etc/group", "sudo") == ["sudo:x:27:ann,carl"])
    #expect(lines(computer, "/etc/shadow", "carl") == ["carl:*:20000:0:99999:7:::"])
    #expect(lines(computer, "/etc/gshadow", "carl") == ["carl:!::"])
    #expect(lines(computer, "/etc/gshadow", "sudo") == ["sudo:*::ann,carl"])
    #expect(computer.text("/etc/passwd")?.hasPrefix(MemoryComputer.usersText) == true)
    #expect(computer.entry(at: "/home/carl") == .directory)
  }

  @Test func `files of users keep their modes`() {
    let computer = after(.usual, User(name: "carl"))
    guard case .file(let file) = computer.entry(at: "/etc/shadow") else { return }
    #expect(file.mode == 0o640)
  }

  @Test func `daemons get ids from the top of their range`() {
    let computer = after(.usual, User(name: "one", makesHome: false, isSystem: true), User(name: "two", isSystem: true))
    #expect(lines(computer, "/etc/passwd", "one") == ["one:x:998:998::/home/one:/bin/sh"])
    #expect(lines(computer, "/etc/passwd", "two") == ["two:x:997:997::/home/two:/bin/sh"])
    #expect(computer.entry(at: "/home/one") == .missing)
  }

  @Test func `the computer's own rules for new users hold`() {
    var computer = MemoryComputer.usual
    computer.put(
      "/etc/login.defs",
      "# UID_MIN 7\nUID_MIN\t\t 5000\nGID_MIN 5000\nPASS_MAX_DAYS 90\nHOME_MODE\t0700\n"
    )
    computer.put("/etc/default/useradd", "SHELL=/bin/ksh\nHOME=/users\nGROUP=100\n")
    let steps = computer.steps(SystemPlan(users: [User(name: "carl", makesOwnGroup: false)]))
    let made = computer.after(steps)
    #expect(lines(made, "/etc/passwd", "carl") == ["carl:x:5000:100::/users/carl:/bin/ksh"])
    #expect(lines(made, "/etc/shadow", "carl") == ["carl:*:20000:0:90:7:::"])
    #expect(
      steps[1].actions == [
        .makeDirectory(path: "/users/carl", mode: 0o700, owner: FileOwner(userID: 5000, groupID: 100), base: nil)
      ]
    )
  }

  @Test func `gaps are filled when the range is used up to its end`() {
    var computer = MemoryComputer.usual
    computer.put("/etc/passwd", "x:x:60000:1::/:/bin/sh\ny:x:1000:1::/:/bin/sh\n")
    #expect(lines(after(computer, User(name: "carl")), "/etc/passwd", "carl:x:1001:").count == 1)
    computer.put("/etc/login.defs", "UID_MIN 60000\n")
    let steps = computer.steps(SystemPlan(users: [User(name: "carl")]))
    #expect(steps.map(\.outcome) == ["refuse: no user id is free"])
  }

  @Test func `a user's own group takes another number when that of the user is taken`() {
    var computer = MemoryComputer.usual
    computer.put("/etc/group", "sudo:x:27:\nfriends:x:1002:\n")
    #expect(
      lines(after(computer, User(name: "carl")), "/etc/passwd", "carl") == ["carl:x:1002:1003::/home/carl:/bin/sh"]
    )
  }

  @Test func `groups that are not there are made, each by a step that is seen`() {
    let computer = MemoryComputer.usual
    let users = [User(name: "carl", primaryGroup: "staff", groups: ["docker"])]
    let steps = computer.steps(SystemPlan(users: users))
    #expect(steps.prefix(2).map(\.title) == ["make the group docker (998)", "make the group staff (1002)"])
    #expect(steps[2].needs == [1, 0, 1])
    let made = computer.after(steps)
    #expect(lines(made, "/etc/group", "docker") == ["docker:x:998:carl"])
    #expect(lines(made, "/etc/passwd", "carl") == ["carl:x:1002:1002::/home/carl:/bin/sh"])
  }

  @Test func `of a user that is there only password and keys are changed`() {
    let computer = MemoryComputer.usual
    let user = User(
      name: "ann",
      passwordHash: "$6$new",
      sshAuthorizedKeys: ["k"],
      remarks: "Other",
      homeDirectory: "/elsewhere",
      groups: ["users"],
      shell: "/bin/no"
    )
    let steps = computer.steps(SystemPlan(users: [user]))
    #expect(
      steps.map(\.title) == ["set the password of ann", "let 1 key in as ann, in /home/ann/.ssh/authorized_keys"]
    )
    let made = computer.after(steps)
    #expect(made.text("/etc/passwd") == MemoryComputer.usersText)
    #expect(lines(made, "/etc/shadow", "ann") == ["ann:$6$new:20000:0:99999:7:::"])
    #expect(made.steps(SystemPlan(users: [user])).allSatisfy { $0.outcome == "keep" })
  }

  @Test func `without shadow files hashes stand where users do`() {
    var computer = MemoryComputer()
    computer.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    let made = after(computer, User(name: "carl", passwordHash: "h"), User(name: "root", passwordHash: "r"))
    #expect(made.text("/etc/passwd") == "root:r:0:0::/root:/bin/sh\ncarl:h:1000:1000::/home/carl:/bin/sh\n")
    #expect(made.entry(at: "/etc/shadow") == .missing)
  }

  @Test func `an empty tree gets users, groups and passwords`() {
    let made = after(MemoryComputer(), User(name: "carl", passwordHash: "h"))
    #expect(made.text("/etc/passwd") == "carl:x:1000:1000::/home/carl:/bin/sh\n")
    #expect(made.text("/etc/shadow") == "carl:h:20000:0:99999:7:::\n")
  }

  @Test func `lines that nobody understands stay, and those for other services stay last`() {
    var computer = MemoryComputer.usual
    computer.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n# a remark\n\n+::::::\n")
    #expect(
      after(computer, User(name: "carl")).text("/etc/passwd")
        == "root:x:0:0::/root:/bin/sh\n# a remark\n\ncarl:x:1000:1002::/home/carl:/bin/sh\n+::::::\n"
    )
  }

  @Test(arguments: [
    User(name: ""), User(name: "a:b"), User(name: "a/b"), User(name: "-a"), User(name: "a\nb"), User(name: "1a"),
    User(name: "carl", passwordHash: "a:b"), User(name: "carl", remarks: "a\nb"),
    User(name: "carl", homeDirectory: "home"), User(name: "carl", homeDirectory: "/a/../b"),
    User(name: "carl", shell: "sh"), User(name: "carl", groups: ["a:b"]), User(name: "carl", primaryGroup: ""),
  ])
  func `what would break the files of users is refused`(_ user: User) {
    let steps = MemoryComputer.usual.steps(SystemPlan(users: [user, User(name: "dora")]))
    #expect(steps[0].outcome.hasPrefix("refuse: "))
    #expect(steps[1].title.hasPrefix("make the user dora") && steps[1].outcome == "change")
  }

  @Test func `files of users that cannot be read are not written`() {
    var computer = MemoryComputer.usual
    computer.entries["/etc/shadow"] = .unreadable("open /etc/shadow: Permission denied")
    let steps = computer.steps(SystemPlan(sshAuthorizedKeys: ["k"], users: [User(name: "carl")]))
    #expect(
      steps.map(\.outcome) == [
        "refuse: open /etc/shadow: Permission denied", "refuse: open /etc/shadow: Permission denied",
      ]
    )
  }

  // MARK: Homes and keys

  @Test func `a home directory is made from the skeleton, and not made twice`() {
    var computer = MemoryComputer.usual
    computer.entries["/etc/skel/.config"] = .directory
    computer.put("/etc/skel/.config/x", "x")
    computer.put("/etc/skel/.profile", "p", mode: 0o600)
    computer.entries["/etc/skel/link"] = .link(target: ".profile")
    let owner = FileOwner(userID: 1002, groupID: 1002)
    let steps = computer.steps(SystemPlan(users: [User(name: "carl"), User(name: "dora", homeDirectory: "/home/ann")]))
    #expect(
      steps[1].actions == [
        .makeDirectory(path: "/home/carl", mode: 0o755, owner: owner, base: nil),
        .makeDirectory(path: "/home/carl/.config", mode: 0o755, owner: owner, base: nil),
        .writeFile(FileWrite(path: "/home/carl/.config/x", content: [120], mode: 0o644, owner: owner)),
        .writeFile(FileWrite(path: "/home/carl/.profile", content: [112], mode: 0o600, owner: owner)),
        .makeLink(path: "/home/carl/link", target: ".profile", owner: owner),
      ]
    )
    #expect(steps[1].needs == [0] && steps[3].outcome == "keep")
  }

  @Test func `keys stand in a part of their own, and the user's stay`() throws {
    var computer = MemoryComputer.usual
    computer.entries["/home/ann/.ssh"] = .directory
    let owner = FileOwner(userID: 1000, groupID: 1000)
    let path = "/home/ann/.ssh/authorized_keys"
    computer.put(path, "ssh-rsa MINE\n", mode: 0o600, owner: owner)
    func keys(_ keys: String...) -> SystemPlan { SystemPlan(users: [User(name: "ann", sshAuthorizedKeys: keys)]) }
    let first = computer.after(computer.steps(keys("ssh-rsa ONE \n", " ssh-rsa TWO", "ssh-rsa ONE")))
    let begin = "# cloud-config keys: written by coracle, changes are lost\n"
    let end = "# end of cloud-config keys\n"
    #expect(first.text(path) == "ssh-rsa MINE\n\(begin)ssh-rsa ONE\nssh-rsa TWO\n\(end)")
    var edited = first
    edited.put(path, "\(first.text(path) ?? "")ssh-rsa LATER\n", mode: 0o600, owner: owner)
    let second = edited.after(edited.steps(keys("ssh-rsa TWO")))
    #expect(second.text(path) == "ssh-rsa MINE\nssh-rsa LATER\n\(begin)ssh-rsa TWO\n\(end)")
    #expect(second.steps(keys("ssh-rsa TWO")).map(\.outcome) == ["keep"])
    guard case .file(let file) = second.entry(at: path) else { return }
    #expect(file.mode == 0o600 && file.owner == owner)
  }

  @Test func `keys are not written through links, nor over several lines, nor to no home`() {
    var computer = MemoryComputer.usual
    func outcome(_ name: String, _ key: String = "k") -> String {
      computer.steps(SystemPlan(users: [User(name: name, sshAuthorizedKeys: [key])])).last?.outcome ?? ""
    }
    #expect(outcome("bob") == "refuse: bob has no home directory (/home/bob)")
    #expect(outcome("ann", "a\nb").hasPrefix("refuse: a key is one line"))
    computer.entries["/home/ann/.ssh/authorized_keys"] = .link(target: "/etc/shadow")
    #expect(outcome("ann").hasPrefix("refuse: /home/ann/.ssh/authorized_keys is a symbolic link"))
    computer.entries["/home/ann/.ssh"] = .link(target: "/root/.ssh")
    #expect(outcome("ann").hasPrefix("refuse: /home/ann/.ssh is a symbolic link"))
  }

  @Test func `core is made for its keys only where nobody has made it`() {
    let computer = MemoryComputer.usual
    let made = computer.after(computer.steps(SystemPlan(sshAuthorizedKeys: ["k"])))
    #expect(lines(made, "/etc/passwd", "core") == ["core:x:1002:1002:CoreOS Admin:/home/core:/bin/sh"])
    #expect(lines(made, "/etc/group", "sudo") == ["sudo:x:27:ann,core"])
    #expect(lines(made, "/etc/group", "docker").isEmpty && lines(made, "/etc/group", "wheel").isEmpty)
    let system = SystemPlan(sshAuthorizedKeys: ["k"], users: [User(name: "core", shell: "/bin/own")])
    let own = computer.after(computer.steps(system))
    #expect(lines(own, "/etc/passwd", "core") == ["core:x:1002:1002::/home/core:/bin/own"])
    #expect(own.text("/home/core/.ssh/authorized_keys") != nil)
  }

  @Test func `what needs a user who cannot be made is refused too`() {
    var computer = MemoryComputer.usual
    computer.put("/home", "a file")
    let steps = computer.steps(SystemPlan(users: [User(name: "carl", sshAuthorizedKeys: ["k"])]))
    #expect(steps[0].outcome == "change" && steps[1].outcome.hasPrefix("refuse"), "\(steps.map(\.outcome))")
    #expect(steps[2].outcome.hasPrefix("refuse"))
  }
}

// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Foundation
import Glibc
import TestKit
import Testing

@testable import CloudInit

@Suite struct SystemApplicationTests {
  private let tree: TreeFixture

  init() throws {
    tree = try TreeFixture()
  }

  private static var everything: BootPlan {
    BootPlan(
      localUnits: [
        LocalUnitPlan(name: "a.service", content: "[Install]\nWantedBy=x.target\n", command: .start, isEnabled: true),
        LocalUnitPlan(name: "b.service", isMasked: true),
      ],
      localUnitsCarrier: .systemd,
      system: SystemPlan(
        hostname: "core1",
        sshAuthorizedKeys: ["ssh-rsa AAA"],
        users: [SystemPlan.User(name: "carl", sshAuthorizedKeys: ["ssh-rsa BBB"])],
        files: [
          SystemPlan.File(path: "/srv/deep/a", content: [65], owner: "carl:carl", permissions: 0o4750),
          SystemPlan.File(path: "/etc/motd", content: [66]),
        ],
        managesEtcHosts: true,
        addresses: [SystemPlan.Variable(name: "COREOS_PUBLIC_IPV4", value: "192.0.2.1")],
        scripts: [SystemPlan.Script(name: "s", content: [35])]
      )
    )
  }

  @Test func `a tree becomes what the plan says, and the second time nothing is touched`() async throws {
    try tree.write("/etc/skel/.profile", "p")
    let first = try await tree.apply(Self.everything)
    #expect(first.reasons.isEmpty && first.changes == 14, "\(first)")
    #expect(tree.text("/etc/motd") == "B" && tree.text("/etc/hostname") == "core1\n")
    #expect(tree.text("/home/carl/.profile") == "p")
    #expect(tree.text("/etc/passwd")?.split(separator: "\n").count == 2)
    #expect(tree.standing("/srv/deep").hasPrefix("0755 "))
    #expect(tree.standing("/home/core/.ssh").hasPrefix("0700 "))
    #expect(tree.standing("/home/core/.ssh/authorized_keys").hasPrefix("0600 "))
    let links = ["/etc/systemd/system/x.target.wants/a.service", "/etc/systemd/system/b.service"]
    #expect(
      try links.map { try FileManager.default.destinationOfSymbolicLink(atPath: tree.root + $0) }
        == ["/etc/systemd/system/a.service", "/dev/null"]
    )
    #expect(!tree.paths().contains { $0.contains(".coracle-") }, "nothing of the writing is left over")

    let numbers = tree.paths().map { number($0) }
    let second = try await tree.apply(Self.everything)
    #expect(second.changes == 0 && second.failures == 0, "\(second)")
    #expect(tree.paths().map { number($0) } == numbers, "no file is another one")
  }

  /// The file's number, which is another one when it was replaced, and when it was last changed.
  private func number(_ path: String) -> String {
    var status = stat()
    lstat("\(tree.root)/\(path)", &status)
    return "\(path) \(status.st_ino) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func `files belong to whom the plan says`() async throws {
    _ = try await tree.apply(Self.everything)
    #expect(tree.standing("/srv/deep/a") == "4750 1000:1000")
    #expect(tree.standing("/etc/motd") == "0644 0:0")
    #expect(tree.standing("/home/carl").hasSuffix(" 1000:1000"))
    #expect(tree.standing("/home/core/.ssh") == "0700 1001:1001")
    #expect(tree.standing("/home/core/.ssh/authorized_keys") == "0600 1001:1001")
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func `a file whose owner or mode was changed gets them back`() async throws {
    let system = SystemPlan(files: [SystemPlan.File(path: "/a", content: [65])])
    _ = try await tree.apply(system)
    chmod("\(tree.root)/a", 0o666)
    #expect(try await tree.apply(system).changes == 1)
    chown("\(tree.root)/a", 7, 7)
    #expect(try await tree.apply(system).changes == 1)
    #expect(tree.standing("/a") == "0644 0:0")
  }

  // MARK: Links

  @Test func `links in the tree lead to the tree's own places`() async throws {
    try tree.make("/usr/real")
    try tree.make("/a/b")
    try tree.link("/absolute", to: "/usr/real")
    try tree.link("/a/b/relative", to: "../../usr/real")
    try tree.link("/above", to: "../../../../../../usr/real")
    try tree.link("/chain", to: "/a/b/relative")
    try tree.link("/dangling", to: "/usr/new/place")
    let files = ["/absolute/1", "/a/b/relative/2", "/above/3", "/chain/4", "/dangling/5"].map {
      SystemPlan.File(path: $0, content: [65])
    }
    let applied = try await tree.apply(SystemPlan(files: files))
    #expect(applied.reasons.isEmpty && applied.changes == 5)
    #expect(["1", "2", "3", "4"].allSatisfy { tree.text("/usr/real/\($0)") == "A" }, "\(tree.paths())")
    #expect(tree.text("/usr/new/place/5") == "A")
    #expect(try await tree.apply(SystemPlan(files: files)).changes == 0)
  }

  @Test func `no link leads out of the tree, for writing or for looking`() async throws {
    try "secret".write(toFile: "\(tree.outside)/file", atomically: false, encoding: .utf8)
    try tree.link("/out", to: tree.outside)
    try tree.link("/file", to: "\(tree.outside)/file")
    try tree.link("/up", to: "../outside")
    let paths = ["/out/file", "/up/file", "/file", "/out/new"]
    let applied = try await tree.apply(SystemPlan(files: paths.map { SystemPlan.File(path: $0, content: [66]) }))
    #expect(applied.reasons.isEmpty && applied.changes == 4, "\(applied)")
    #expect(tree.outsideNames == ["file"])
    #expect(try String(contentsOfFile: "\(tree.outside)/file", encoding: .utf8) == "secret")
    // The link itself was replaced, as with any file.
    #expect(tree.text("/file") == "B")
    #expect(tree.text(tree.outside + "/new") == "B", "an absolute link begins at the tree's root")
  }

  @Test func `links that go round end with an error`() async throws {
    try tree.link("/one", to: "/two")
    try tree.link("/two", to: "/one")
    let applied = try await tree.apply(SystemPlan(files: [SystemPlan.File(path: "/one/x", content: [])]))
    #expect(applied.failures == 1)
    #expect(applied.reasons[0].contains("Too many levels of symbolic links"), "\(applied.reasons)")
  }

  @Test func `keys are never written where a user's link leads`() async throws {
    let user = SystemPlan.User(name: "carl", sshAuthorizedKeys: ["k"])
    _ = try await tree.apply(SystemPlan(users: [user]))
    try FileManager.default.removeItem(atPath: "\(tree.root)/home/carl/.ssh")
    try tree.make("/root/.ssh")
    try tree.link("/home/carl/.ssh", to: "/root/.ssh")
    let applied = try await tree.apply(SystemPlan(users: [user]))
    #expect(applied.failures == 1 && applied.reasons[0].contains("symbolic link"))
    // Nor when the link comes between the look and the change.
    let write = FileWrite(path: "/home/carl/.ssh/authorized_keys", content: [65], mode: 0o600, base: "/home/carl")
    #expect(throws: FileTree.Failure.self) { try FileTree(root: tree.root).write(write) }
    #expect(!tree.paths().contains { $0.hasPrefix("root/.ssh/") })
  }

  // MARK: Failures

  @Test func `what fails is named, and only what needs it is left out`() async throws {
    try tree.write("/home", "a file, so that no home can be made")
    try tree.make("/a/directory")
    let system = SystemPlan(
      hostname: "not a name",
      users: [SystemPlan.User(name: "carl", sshAuthorizedKeys: ["k"])],
      files: [
        SystemPlan.File(path: "/a/directory", content: []), SystemPlan.File(path: "/b", content: [], owner: "carl"),
        SystemPlan.File(path: "/c", content: [], owner: "nobody-here"), SystemPlan.File(path: "/d", content: []),
      ]
    )
    let applied = try await tree.apply(system)
    #expect(
      applied.reasons == [
        "set the host name to not a name: a host name has 1 to 64 letters, digits, \"-\" and \".\", and begins with a letter or digit",
        "make the home directory /home/carl: /home is a file, not a directory",
        "let 1 key in as carl, in /home/carl/.ssh/authorized_keys: /home is a file, not a directory",
        "write /a/directory, 0 bytes, 0644 root:root: /a/directory is a directory; remove it, or name another path",
        "write /c, 0 bytes: there is no user \"nobody-here\" to own it",
      ]
    )
    #expect(applied.changes == 3 && tree.text("/b") == "" && tree.text("/d") == "")
  }

  @Test func `a file that cannot be put in its place leaves nothing behind`() throws {
    try tree.write("/etc/motd", "old")
    #expect(throws: FileTree.Failure.self) {
      try FileTree(root: tree.root).write(FileWrite(path: "/etc", content: [65], mode: 0o644))
    }
    #expect(tree.paths() == ["etc", "etc/motd"] && tree.text("/etc/motd") == "old")
  }

  @Test func `a root that is no directory is refused`() async throws {
    try tree.write("/file", "")
    for root in ["\(tree.root)/file", "\(tree.root)/none"] {
      await #expect(throws: CloudInitError.self) {
        try await SystemApplication(
          BootPlan(),
          at: SystemApplication.Place(root: root, dataDirectory: "/d"),
          changes: true
        )
      }
    }
  }

  @Test func `a look changes nothing`() async throws {
    let place = SystemApplication.Place(root: tree.root, dataDirectory: "/var/lib/coracle")
    let application = try await SystemApplication(Self.everything, at: place, changes: false)
    #expect(application.steps.filter(\.isChange).count == 14)
    #expect(tree.paths().isEmpty)
  }

  @Test func `users are not changed while another program changes them`() async throws {
    try tree.make("/etc")
    // The lock is that of a process, so another one has to have it.
    let program = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); "
    let holder = try ChildProcess(
      ["python3", "-c", program + "print('held', flush=True); time.sleep(60)", "\(tree.root)/etc/.pwd.lock"],
      directory: URL(fileURLWithPath: tree.outside)
    )
    defer { holder.signal(SIGKILL) }
    try await eventually("it is locked") { holder.output == "held\n" }
    #expect(throws: FileTree.Failure.self) {
      _ = try PasswordLock.take(in: FileTree(root: tree.root), patienceMilliseconds: 100)
    }
    holder.signal(SIGKILL)
    try await holder.wait(within: .seconds(10))
    #expect(throws: Never.self) { _ = try PasswordLock.take(in: FileTree(root: tree.root)) }
  }
}

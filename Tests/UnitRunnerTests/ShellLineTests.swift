// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import UnitRunner

@Suite struct ShellLineTests {
  private let line = ShellLine(directory: "/d", programs: ["docker", "etcdctl"]) { $0 == "/usr/bin/etcdctl" }

  @Test(arguments: [
    ("/usr/bin/docker inspect a || /bin/docker run b", "/d/docker inspect a || /d/docker run b"),
    ("X=$(/usr/bin/docker ps);`/usr/bin/docker ps`", "X=$(/d/docker ps);`/d/docker ps`"),
    ("/usr/bin/docker-compose /x/usr/bin/docker", "/usr/bin/docker-compose /x/usr/bin/docker"),
    ("/usr/bin/etcdctl get a; /opt/bin/etcdctl get a", "/usr/bin/etcdctl get a; /d/etcdctl get a"),
  ])
  func `a shell's text names our programs where there are no others`(text: String, expected: String) {
    #expect(line.words(["sh", "-c", text], of: "/bin/sh") == ["sh", "-c", expected])
    #expect(line.words(["echo", text], of: "/bin/echo") == ["echo", text])
  }
}

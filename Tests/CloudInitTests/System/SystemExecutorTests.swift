// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CloudInit

@Suite struct SystemExecutorTests {
  private let tree: TreeFixture

  init() throws {
    tree = try TreeFixture()
  }

  /// A program that says what it was asked, and fails when asked to.
  private func makeProgram(_ path: String, _ text: String) throws {
    try tree.write(path, "#!/bin/sh\n\(text)\n")
    chmod(tree.root + path, 0o755)
  }

  private func executor(_ stop: ChildStop = ChildStop(), _ said: @escaping @Sendable (String, String) -> Void)
    -> SystemExecutor
  {
    SystemExecutor(
      tree: FileTree(root: tree.root),
      systemctl: SystemctlProgram(environment: ["PATH": "/none:\(tree.root)/bin"]),
      environment: ["COREOS_PUBLIC_IPV4": "192.0.2.1"],
      stop: stop,
      said: said
    )
  }

  @Test func `orders go to the systemctl that is first on the PATH, and a failure is told with what it said`()
    async throws
  {
    try makeProgram("/bin/systemctl", "echo \"asked: $*\"; test $4 != bad.service || exit 5")
    let said = Mutex<[String]>([])
    let executor = executor { name, line in said.withLock { $0.append("\(name): \(line)") } }
    try await OwnThread.run { try executor.carryOut(.systemctl(["start", "good.service"])) }
    await #expect {
      try await OwnThread.run { try executor.carryOut(.systemctl(["start", "bad.service"])) }
    } throws: {
      "\($0)" == "systemctl start bad.service: it ended with status 5"
    }
    #expect(
      said.withLock { $0 } == [
        "systemctl start good.service: asked: --no-ask-password --no-pager start good.service",
        "systemctl start bad.service: asked: --no-ask-password --no-pager start bad.service",
      ]
    )
  }

  @Test func `a script has a plain environment, the addresses, and a shell of its own choice`() async throws {
    try makeProgram("/script", "echo $HOME $COREOS_PUBLIC_IPV4 ${PATH%%:*} $(umask) $(pwd) $#")
    let said = Mutex<[String]>([])
    let executor = executor { name, line in said.withLock { $0.append("\(name): \(line)") } }
    let path = "\(tree.root)/script"
    try await OwnThread.run { try executor.carryOut(.runScript(path: path, name: "user-data")) }
    #expect(said.withLock { $0 } == ["user-data: /root 192.0.2.1 /usr/local/sbin 0022 / 0"])
  }

  @Test func `a script that is ended says why`() async throws {
    try makeProgram("/script", "sleep 100")
    let stop = ChildStop()
    stop.ask()
    let executor = executor(stop) { _, _ in }
    let path = "\(tree.root)/script"
    await #expect {
      try await OwnThread.run { try executor.carryOut(.runScript(path: path, name: "user-data")) }
    } throws: {
      "\($0)" == "user-data was ended, because this program ends"
    }
  }

  @Test func `a link takes the place of a file, and what is gone may be removed again`() throws {
    try tree.write("/etc/a", "x")
    let executor = executor { _, _ in }
    try executor.carryOut(.makeLink(path: "/etc/a", target: "/dev/null", owner: nil))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(tree.root)/etc/a") == "/dev/null")
    for _ in 1...2 { try executor.carryOut(.removeFile(path: "/etc/a")) }
    #expect(tree.paths() == ["etc"])
  }
}

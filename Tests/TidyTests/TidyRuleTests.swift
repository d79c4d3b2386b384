// SPDX-License-Identifier: Apache-2.0
import Testing

/// Each rule finds what it is for, and lets the look-alike pass.
@Suite struct TidyRuleTests {
  private static let header = "// SPDX-License-Identifier: Apache-2.0\n"

  private func messages(_ code: String, in path: String = "Sources/EtcdServer/Keys/Thing.swift") -> [String] {
    TidyRules.violations(in: SourceFile(path, Self.header + code + "\n")).map { "\($0.line): \($0.message)" }
  }

  @Test func `a clean file passes`() {
    #expect(messages("import Raft\n\nstruct Thing {}") == [])
  }

  @Test(arguments: [
    ("Sources/Raft/A.swift", "import Foundation"), ("Sources/Raft/A.swift", "import Glibc"),
    ("Sources/Units/A.swift", "import Synchronization"), ("Sources/EtcdStore/A.swift", "public import Logging"),
    ("Sources/EtcdStore/A.swift", "import Raft"), ("Sources/APIServer/A.swift", "import EtcdServer"),
    ("Sources/CloudConfig/A.swift", "import struct Fleet.Machine"), ("Sources/DockerEngine/A.swift", "import Units"),
    ("Sources/APIClients/A.swift", "@preconcurrency import CoracleDaemon"), ("Sources/Unheard/A.swift", "import Raft"),
  ])
  func `an import against the table is found`(_ path: String, _ code: String) {
    #expect(!messages(code, in: path).isEmpty)
  }

  @Test func `imports in texts and comments are none`() {
    #expect(messages("// import Foundation\nlet a = \"import Fleet\"\nlet b = \"\"\"\n  import Fleet\n  \"\"\"") == [])
  }

  @Test(arguments: [
    "let a = try! f()", "let a = b as! C", "fatalError(\"x\")", "Thread.sleep(forTimeInterval: 1)",
    "DispatchQueue.main.async {}", "let lock = NSLock()", "Task.detached {}", "usleep(3)", "import Foundation",
    "import XCTest", "bootstrap.childChannelOption(.socketOption(.tcp_nodelay), value: 1)",
  ])
  func `a banned construct is found`(_ code: String) {
    #expect(!messages(code).isEmpty)
  }

  @Test(arguments: [
    "let a = \"try! f()\"", "// never try! f()", "let a = try? f()", "let a = has!b", "func `no fatalError( here`() {}",
    "import FoundationEssentials", "let a = \"\"\"\n  try! f()\n  \"\"\"", "let a = \"x\\\" as! y\"",
  ])
  func `what only looks like one passes`(_ code: String) {
    #expect(messages(code) == [])
  }

  @Test func `all of Foundation is for tests`() {
    #expect(messages("import Foundation", in: "Tests/RaftTests/A.swift") == [])
    #expect(!messages("import Foundation", in: "Sources/CoracleCommands/A.swift").isEmpty)
  }

  @Test func `unchecked sendability needs a reason`() {
    #expect(!messages("\n\n\nfinal class A: @unchecked Sendable {}").isEmpty)
    #expect(!messages("\n\n\nnonisolated(unsafe) var a = 1").isEmpty)
    #expect(messages("\n\n/// Confined to one thread.\nfinal class A: @unchecked Sendable {}") == [])
    #expect(messages("\n\n\nnonisolated(unsafe) var a = 1  // Written before the thread starts.") == [])
  }

  @Test func `a loose task is for the wiring`() {
    #expect(!messages("Task { await f() }").isEmpty)
    #expect(!messages("let a = Task(priority: .high) { await f() }").isEmpty)
    #expect(messages("group.addTask { await f() }\nlet a: Task<Void, Never>?\nClusterTask(name: \"x\")") == [])
    #expect(messages("await Task { await f() }.value") == [])
    #expect(messages("Task { await f() }", in: "Sources/CoracleDaemon/A.swift") == [])
  }

  @Test func `a stream names its bound`() {
    #expect(!messages("let a = AsyncStream<Int> { $0.finish() }").isEmpty)
    #expect(!messages("let (a, b) = AsyncStream.makeStream(of: Int.self)").isEmpty)
    #expect(messages("let a = AsyncStream<Int>(bufferingPolicy: .bufferingOldest(9)) { $0.finish() }") == [])
    #expect(messages("func f() -> AsyncStream<Int> {\n}\nvar a: AsyncStream<Int> { b }") == [])
  }

  @Test func `leftovers are found in comments`() {
    #expect(!messages("// TODO: later").isEmpty)
    #expect(!messages("let a = 1  // FIXME").isEmpty)
    #expect(messages("let a = \"TODO\"\nlet todo = TODOList.self") == [])
  }

  @Test func `the cores are pure`() {
    for code in ["func f() async {}", "actor A {}", "let c = ContinuousClock()", "let m = Mutex(1)"] {
      #expect(!messages(code, in: "Sources/Raft/A.swift").isEmpty, "\(code)")
      #expect(messages(code, in: "Sources/EtcdServer/A.swift") == [], "\(code)")
    }
    #expect(messages("let asynchronous = 1", in: "Sources/Raft/A.swift") == [])
  }

  @Test func `a type is not named as its module`() {
    #expect(!messages("struct EtcdServer {}").isEmpty)
    #expect(messages("struct EtcdServerError {}\nextension EtcdServerThing {}") == [])
  }

  @Test func `names and headers`() {
    #expect(!messages("", in: "Sources/Raft/Utils/A.swift").isEmpty)
    #expect(!messages("", in: "Sources/Raft/Log/LogHelper.swift").isEmpty)
    #expect(!messages("", in: "Sources/Raft/Log/raft_log.swift").isEmpty)
    #expect(!messages("", in: "Sources/Raft/\(String(repeating: "A", count: 51)).swift").isEmpty)
    #expect(!messages(String(repeating: "\n", count: 600), in: "Sources/Raft/A.swift").isEmpty)
    #expect(messages("", in: "Sources/Raft/Log/RaftLog+Terms.swift") == [])
    #expect(TidyRules.header(SourceFile("Sources/Raft/A.swift", "import Units\n")).count == 1)
    #expect(TidyRules.header(SourceFile("Package.swift", "// swift-tools-version: 6.2\n\(Self.header)")).isEmpty)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import DockerEngine

/// Verbs beside `run`: what they ask the engine for.
@Suite struct VerbTests {
  func command(_ line: String) throws -> DockerCommand {
    try DockerCommandLine(parsing: line.split(separator: " ").map(String.init)).command
  }

  @Test func `groups and aliases are the same verb`() throws {
    for (short, long) in [
      ("ps -a", "container ls --all"), ("images -q", "image ls --quiet"), ("rmi x", "image remove x"),
      ("info", "system info"), ("rm -f x", "container remove --force x"),
      ("logs -f x", "container logs --follow=true x"),
    ] {
      #expect(try command(short) == command(long))
    }
  }

  @Test func `exec stops at its first word`() throws {
    guard case .exec(let exec) = try command("exec -it -e A=1 -u root web sh -c -x") else {
      throw TestFailure("no exec")
    }
    #expect(exec.container == "web" && exec.words == ["sh", "-c", "-x"])
    #expect(exec.hasTerminal && exec.isInteractive && !exec.isDetached)
    #expect(exec.environment == ["A=1"] && exec.user == "root")
  }

  @Test func `filters are the engine's map`() throws {
    guard
      case .listing(.containers(let list)) = try command("ps -f name=^n$ --filter label=a=b -f label=c -n 3 --no-trunc")
    else { throw TestFailure("no list") }
    #expect(list.filters.queryValue == #"{"name":{"^n$":true},"label":{"a=b":true,"c":true}}"#)
    #expect(list.last == 3 && list.isWhole && !list.showsAll)
    guard case .listing(.containers(let latest)) = try command("ps -l") else { throw TestFailure("no list") }
    #expect(latest.last == 1)
    #expect(throws: DockerCommandLineError.self) { try command("ps -f name") }
  }

  @Test(
    arguments: [
      ("ctrl-p,ctrl-q", [16, 17]), ("a", [97]), ("ctrl-[,x", [27, 120]), ("ctrl-@", [0]),
    ] as [(String, [UInt8])]
  )
  func `keys that leave`(text: String, bytes: [UInt8]) throws {
    #expect(try DetachKeys(FoundFlag(name: "detach-keys", value: text)).bytes == bytes)
    #expect(throws: DockerCommandLineError.self) {
      try DetachKeys(FoundFlag(name: "detach-keys", value: text + ",meta-x"))
    }
  }

  @Test func `the keys are found across pieces, and what only begins like them is passed on`() {
    var watch = DetachKeyWatch(.standard)
    #expect(watch.receive([65, 16]) == ([65], false))
    #expect(watch.receive([66]) == ([16, 66], false))
    #expect(watch.receive([16]) == ([], false))
    #expect(watch.receive([16]) == ([16], false))
    #expect(watch.receive([17, 67]) == ([], true))
  }

  @Test func `output without a terminal comes in frames`() throws {
    var splitter = FrameSplitter(isRaw: false)
    let frames: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 2, 97, 10, 2, 0, 0, 0, 0, 0, 0, 1, 98]
    var pieces: [(stream: OutputStream, bytes: [UInt8])] = []
    for byte in frames { pieces += try splitter.receive([byte]) }
    #expect(pieces.map(\.bytes) == [[97, 10], [98]])
    #expect(pieces.map(\.stream) == [.standardOutput, .standardError])
    #expect(throws: DockerEngineError.self) { try splitter.receive([9, 0, 0, 0, 0, 0, 0, 1]) }
    var raw = FrameSplitter(isRaw: true)
    #expect(try raw.receive([9, 9]).map(\.bytes) == [[9, 9]])
  }

  @Test(
    arguments: [
      ("1136073845", "1136073845"), ("1136073845.5", "1136073845.5"), ("2006-01-02T15:04:05Z", "1136214245.000000000"),
      ("2006-01-02T15:04", "1136210640.000000000"), ("2006-01-02", "1136156400.000000000"), ("10m", "400.000000000"),
      ("2006-01-02T15:04:05.5+01:00", "1136210645.500000000"), ("1h", "0.000000000"), ("soon", nil), ("", nil),
    ] as [(String, String?)]
  )
  func `times are moments, local ones or a while ago`(text: String, parameter: String?) {
    #expect(CommandTime.parameter(text, nowNanoseconds: 1_000_000_000_000) { _ in 3600 } == parameter)
  }

  @Test func `a network's ranges lie in their subnets`() throws {
    guard
      case .createNetwork(let network) = try command(
        "network create -d macvlan --subnet 10.1.0.0/16 --subnet fd00::/64 --ip-range 10.1.5.0/24 --gateway fd00::1 "
          + "--aux-address a=10.1.0.9 -o parent=eth0 --internal net1"
      )
    else { throw TestFailure("no network") }
    let rows = network.settings["IPAM"]?["Config"]?.elements ?? []
    #expect(rows.map { $0["Subnet"]?.string } == ["10.1.0.0/16", "fd00::/64"])
    #expect(rows.map { $0["IPRange"]?.string } == ["10.1.5.0/24", nil])
    #expect(rows.map { $0["Gateway"]?.string } == [nil, "fd00::1"])
    #expect(rows.first?["AuxiliaryAddresses"]?["a"] == .string("10.1.0.9"))
    #expect(network.settings["Options"]?["parent"] == .string("eth0") && network.settings["Internal"] == .bool(true))
    #expect(throws: DockerCommandLineError.self) {
      try command("network create --subnet 10.0.0.0/8 --gateway 11.0.0.1 n")
    }
  }

  @Test(arguments: [
    ("c:/p /x", CopyOptions.Place.container("c", path: "/p"), CopyOptions.Place.local("/x")),
    ("./a:b c:p", .local("./a:b"), .container("c", path: "p")), ("- c:/", .archive, .container("c", path: "/")),
    ("/a:b c:p", .local("/a:b"), .container("c", path: "p")),
  ])
  func `one end of a copy is a container's`(words: String, source: CopyOptions.Place, destination: CopyOptions.Place)
    throws
  {
    guard case .copy(let copy) = try command("cp " + words) else { throw TestFailure("no copy") }
    #expect(copy.source == source && copy.destination == destination)
  }

  @Test func `a copy is between a container and this machine`() {
    #expect(throws: DockerCommandLineError.self) { try command("cp a b") }
    #expect(throws: DockerCommandLineError.self) { try command("cp a:b c:d") }
  }

  @Test func `update takes limits only, and at least one`() throws {
    guard case .update(let update) = try command("update -m 64m --restart=on-failure:3 web db") else {
      throw TestFailure("no update")
    }
    #expect(update.containers == ["web", "db"])
    #expect(update.changes["Memory"] == .integer(67_108_864))
    #expect(update.changes["RestartPolicy"]?["MaximumRetryCount"] == .integer(3))
    #expect(throws: DockerCommandLineError.self) { try command("update web") }
    #expect(throws: DockerCommandLineError.self) { try command("update --name x web") }
  }

  @Test func `only build needs docker's own program`() throws {
    #expect(!DockerCommandLine.isCarriedOutHere(["build", "-t", "x", "--nobody-knows", "."]))
    #expect(!DockerCommandLine.isCarriedOutHere(["image", "build", "."]))
    #expect(DockerCommandLine.isCarriedOutHere(["run", "busybox"]))
    #expect(DockerCommandLine.isCarriedOutHere(["frobnicate"]))
  }

  @Test(
    arguments: [
      (0, "0B"), (999, "999B"), (1000, "1kB"), (1_234_567, "1.235MB"), (12_345_678_900, "12.35GB"),
      (100_400_000, "100.4MB"),
    ] as [(Int64, String)]
  )
  func `sizes are for people`(bytes: Int64, text: String) {
    #expect(DockerCommandExecutor.size(bytes) == text)
  }
}

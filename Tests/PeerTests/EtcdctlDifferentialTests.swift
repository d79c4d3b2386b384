// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

/// Debian's etcdctl (v2 API) and ours, command line by command line: what they print and how they end.
///
/// Four pairs go through the same script, each with a fresh server of its own, so that all stand on equal state: the
/// original on etcd is what the others are compared with.
@Suite(.serialized) struct EtcdctlDifferentialTests {
  /// Lines where ours differs from the original on purpose; each stands in docs/COMPATIBILITY.md.
  private static let ownDifferences = [
    "--help": "there is one command more, import, and the version is ours",
    "-h": "as --help", "help": "as --help", "--nosuch get /a": "as --help", "--debug=x get /a": "as --help",
    "--timeout 5x get /a": "as --help", "--timeout 5 get /a": "as --help", "-o": "as --help",
    "--version": "the version is ours",
    "-o bogus get /a": "a wrong format is refused before anything is done, with 1",
    "--no-sync role list": "a refusal is told in the server's words, not as a status code",
    "--debug rm --dir --with-value 'a b' --with-index 7 /nope":
      "--dir has no meaning beside a condition, and is not sent",
  ]

  @Test func `our etcdctl prints what the original does, on etcd and on coracle`() async throws {
    let lines = try Self.script()
    try await withTestDirectory { directory in
      let prefix = "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250))"
      let etcds = try (1...2).map { try Server.etcd("\(prefix).\($0)", directory) }
      let coracles = try (3...4).map { try Server.coracle("\(prefix).\($0)", directory) }
      let servers = etcds + coracles
      defer { for server in servers { server.child.signal(SIGKILL) } }
      for server in servers { try await server.waitUntilHealthy() }
      let program = BuiltProgram.coracle.path
      let places = servers.map(\.place)
      async let original = places[0].run(lines, ["etcdctl"])
      async let ours = places[1].run(lines, [program, "etcdctl"])
      async let onCoracle = places[2].run(lines, [program, "etcdctl"])
      async let foreign = places[3].run(lines, ["etcdctl"])
      let expected = try await original
      Self.compare(try await ours, with: expected, lines, Self.ownDifferences)
      Self.compare(
        try await onCoracle.map(\.withoutIndexes),
        with: expected.map(\.withoutIndexes),
        lines,
        Self.ownDifferences
      )
      let server = try await foreign.map(\.withoutIndexes)
      Self.compare(server, with: expected.map(\.withoutIndexes), lines, [:])
    }
  }

  @Test func `a password that is not given is asked for on the terminal, and not shown`() async throws {
    let etcdctl = [
      BuiltProgram.coracle.path, "etcdctl", "--no-sync", "--endpoints", "ENDPOINT", "-u", "root", "get", "/a",
    ]
    let kv = [BuiltProgram.coracle.path, "kv", "get", "--endpoint", "ENDPOINT", "--username", "root", "/a"]
    for words in [etcdctl, kv] {
      let result = try await run(["python3", peerFile("Programs/password_prompt.py")] + words)
      #expect(result.output == "Password: \nv\nstatus 0 root:wrong !\n", "\(result)")
    }
  }

  private static func compare(
    _ actual: [Outcome],
    with expected: [Outcome],
    _ lines: [String],
    _ differences: [String: String]
  ) {
    for (line, (actual, expected)) in zip(lines, zip(actual, expected)) {
      if let reason = differences[line] {
        #expect(actual != expected, "no longer different: \(line): \(reason)")
      } else {
        #expect(actual == expected, "etcdctl \(line)")
      }
    }
  }

  private static func script() throws -> [String] {
    try String(contentsOfFile: peerFile("Scripts/etcdctl-commands.txt"), encoding: .utf8)
      .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
  }
}

/// What a command line printed and how it ended, with what must differ taken out.
private struct Outcome: Equatable, CustomStringConvertible {
  var output: String
  var errors: String
  var status: Int32

  var description: String { "\(status)\n1| \(output)\n2| \(errors)" }

  /// etcd's own writes take indexes too, coracle's take none.
  var withoutIndexes: Outcome {
    func masked(_ text: String) -> String {
      text.replacing(/("(created|modified)Index":|Index: |-Index: )[0-9]+/) { "\($0.1)N" }
        .replacing(/\[[0-9]+\]\n/, with: "[N]\n")
        .replacing(/!= [0-9]+\]/, with: "!= N]")
        .replacing(/waitIndex=[0-9]+/, with: "waitIndex=N")
        .replacing(/\/d?q\/[0-9]{20}/, with: "/q/N")
    }
    return Outcome(output: masked(output), errors: masked(errors), status: status)
  }
}

/// One server of one member.
private struct Server {
  let place: Place
  let child: ChildProcess

  private init(_ address: String, _ words: [String], _ directory: URL) throws {
    place = Place(address: address, directory: directory)
    child = try ChildProcess(words, directory: directory)
  }

  static func etcd(_ address: String, _ directory: URL) throws -> Server {
    let (client, peer) = ("http://\(address):2379", "http://\(address):2380")
    let words = [
      "etcd", "--enable-v2=true", "--name", "m0", "--data-dir", directory.appendingPathComponent(address).path,
      "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
      "--initial-advertise-peer-urls", peer, "--initial-cluster", "m0=\(peer)",
    ]
    return try Server(address, words, directory)
  }

  static func coracle(_ address: String, _ directory: URL) throws -> Server {
    let file = directory.appendingPathComponent("\(address).yaml")
    try """
    #cloud-config
    coreos:
      etcd2:
        listen-client-urls: http://\(address):2379
        advertise-client-urls: http://\(address):2379
        listen-peer-urls: http://\(address):2380
        initial-advertise-peer-urls: http://\(address):2380
        initial-cluster: m0=http://\(address):2380
      units:
        - name: etcd2.service
          command: start

    """.write(to: file, atomically: true, encoding: .utf8)
    let words = [
      BuiltProgram.coracle.path, "node", "--cloud-config", file.path, "--data-dir",
      directory.appendingPathComponent(address).path, "--name", "m0", "--docker", "none", "--public-ip", address,
      "--private-ip", address,
    ]
    return try Server(address, words, directory)
  }

  /// A member tells its client URL a moment after it serves, and etcd's cluster version is an entry of its own.
  func waitUntilHealthy() async throws {
    func get(_ path: String) async throws -> String {
      try await run(["curl", "-s", "-m", "20", "\(place.endpoint)/\(path)"]).output
    }
    try await eventually("\(place.address) serves") {
      guard try await get("health").contains("true") else { return false }
      guard try await get("v2/members").contains(place.endpoint) else { return false }
      return try await !get("version").contains("not_decided")
    }
  }
}

/// Where a server is, and where its clients may write.
private struct Place: Sendable {
  let address: String
  let directory: URL

  var endpoint: String { "http://\(address):2379" }

  /// Carries all lines out.
  func run(_ lines: [String], _ program: [String]) async throws -> [Outcome] {
    var firstIndex = 0
    var outcomes: [Outcome] = []
    let members = try await TestKit.run(["curl", "-s", "\(endpoint)/v2/members"]).output
    let id = members.firstMatch(of: /"id":"([0-9a-f]+)"/).map { String($0.1) } ?? "?"
    for line in lines {
      let words = Self.words(of: line.replacing(/\{\+([0-9]+)\}/) { "\(firstIndex + (Int($0.1) ?? 0))" })
      let result = try await TestKit.run(
        program + ["--timeout", "20s", "--total-timeout", "40s", "--endpoints", endpoint] + words,
        environment: ["ETCDCTL_API": "2"],
        directory: directory,
        within: .seconds(60)
      )
      if firstIndex == 0 {
        let index = try await TestKit.run(["curl", "-s", "\(endpoint)/v2/keys/first"]).output
        firstIndex = index.firstMatch(of: /"modifiedIndex":([0-9]+)/).flatMap { Int($0.1) } ?? 1
      }
      let (output, errors) = (mapped(result.output, id), mapped(result.errors, id))
      outcomes.append(Outcome(output: output, errors: errors, status: result.status))
    }
    return outcomes
  }

  /// What is this server's or this moment's own.
  private func mapped(_ text: String, _ id: String) -> String {
    text.replacing(address, with: "ADDRESS").replacing(id, with: "ID")
      .replacing(/"expiration":"[^"]*"/, with: "\"expiration\":\"T\"")
      .replacing(/"ttl":[0-9]+/, with: "\"ttl\":S").replacing(/TTL: [1-9][0-9]*/, with: "TTL: S")
      // The original asks stty, which has something to say when there is no terminal.
      .replacing(/stty: [^\n]*\n/, with: "")
  }

  /// The words of a line; quotes hold several together.
  private static func words(of line: String) -> [String] {
    var words: [String] = []
    var word: String?
    var isQuoted = false
    for character in line {
      switch character {
      case "'":
        isQuoted.toggle()
        word = word ?? ""
      case " " where !isQuoted:
        if let done = word { words.append(done) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    return words + (word.map { [$0] } ?? [])
  }
}

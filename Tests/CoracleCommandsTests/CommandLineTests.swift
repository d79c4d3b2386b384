// SPDX-License-Identifier: Apache-2.0
import APIClients
import ArgumentParser
import CoracleDaemon
import EtcdStore
import Testing

@testable import CoracleCommands

/// How command lines are read, by `etcdctl` and by `coracle kv`.
struct CommandLineTests {
  private func etcdctl(_ line: String, environment: [String: String] = [:]) throws -> EtcdctlInvocation {
    try EtcdctlInvocation(
      line.split(separator: " ").map(String.init),
      environment: environment,
      readValue: { "stdin\n" }
    )
  }

  @Test func `a node's flag beats the environment, and an empty variable says nothing`() throws {
    let command = try #require(try RootCommand.parseAsRoot(["node", "--name", "flag"]) as? NodeCommand)
    let options = try command.options(environment: [
      "CORACLE_NODE_NAME": "variable", "CORACLE_NODE_DOCKER": "none", "CORACLE_NODE_SOCKET": "",
      "CORACLE_NODE_DATA_DIR": "", "CORACLE_NODE_LOG_LEVEL": "", "CORACLE_NODE_STOP_UNITS": "true",
    ])
    #expect(options.name == "flag")
    #expect(options.docker == "none")
    #expect(options.socket == nil)
    #expect(options.dataDirectory == NodeOptions.defaultDataDirectory)
    #expect(options.logLevel == NodeOptions().logLevel)
    #expect(options.stopsUnits)
  }

  @Test func `flags have one dash or two, before or behind the arguments`() throws {
    let swap = KeyValueAction.set(
      "/k",
      "v",
      ttl: 5,
      comparison: Comparison(previousValue: "o", previousIndex: EtcdIndex(3))
    )
    for line in [
      "set --ttl 5 --swap-with-value o --swap-with-index 3 /k v",
      "set -ttl=5 /k -swap-with-value=o v --swap-with-index=3",
    ] {
      #expect(try etcdctl(line).command == .keys(swap))
    }
    #expect(try etcdctl("set /k -5").command == .keys(.set("/k", "-5", ttl: 0, comparison: nil)))
    #expect(try etcdctl("set -- /k --ttl").command == .keys(.set("/k", "--ttl", ttl: 0, comparison: nil)))
    #expect(try etcdctl("set /k").command == .keys(.set("/k", "stdin\n", ttl: 0, comparison: nil)))
    #expect(
      try etcdctl("watch -f -r /k --after-index 9").command
        == .keys(.watch(key: "/k", recursive: true, forever: true, afterIndex: 9))
    )
    #expect(
      try etcdctl("rm --with-index 7 --recursive /k").command
        == .keys(.remove(key: "/k", .compareAndDelete(comparison: Comparison(previousIndex: EtcdIndex(7)))))
    )
    #expect(
      try etcdctl("ls -p --sort --recursive").command
        == .keys(.list(key: "/", recursive: true, sorted: true, quorum: false, markDirectories: true))
    )
  }

  @Test func `the global part may come from the environment, flags beat it`() throws {
    let environment = ["ETCDCTL_PEERS": "p:1", "ETCDCTL_ENDPOINT": "e:1", "ETCDCTL_USERNAME": "u:p"]
    #expect(try etcdctl("get /k", environment: environment).settings.endpoints == "e:1")
    #expect(try etcdctl("get /k", environment: environment).settings.username == "u:p")
    for flag in ["-C", "--peers", "--endpoint", "--endpoints"] {
      #expect(try etcdctl("\(flag) x:1 get /k", environment: environment).settings.endpoints == "x:1")
    }
    let settings = try etcdctl("--no-sync --debug -o json --timeout 1.5s get /k").settings
    #expect(settings.noSync && settings.debug && settings.format == .json)
    #expect(settings.timeout == CommandDuration(.milliseconds(1_500)))
  }

  @Test func `commands without keys are known`() throws {
    #expect(try etcdctl("member list").command == .memberList)
    #expect(try etcdctl("cluster-health -f").command == .clusterHealth(forever: true))
    #expect(try etcdctl("").command == .help)
    #expect(try etcdctl("--version").command == .version)
  }

  @Test(arguments: [
    ("get", "key required"), ("bogus", "No help topic for 'bogus'"),
    ("-o bogus get /k", "Unsupported output format: bogus"),
    ("--bogus get /k", "flag provided but not defined: -bogus"), ("set --ttl", "flag needs an argument: -ttl"),
    ("set --ttl x /k v", "invalid value \"x\" for flag -ttl: it must be a whole number"),
    ("member add x y", "member add is not supported; say member list"),
  ])
  func `a wrong line is refused in the words of the original`(line: String, message: String) {
    #expect(throws: EtcdctlUsageError(message: message)) { try etcdctl(line) }
  }

  @Test func `coracle kv has the same flags`() throws {
    let words = ["set", "--ttl", "5", "--endpoint", "http://a:1,unix:///run/x.sock", "-o", "json", "/k", "v"]
    let command = try #require(try KeyValueCommand.parseAsRoot(words) as? KeyValueCommand.Set)
    #expect(command.life.ttl == 5)
    #expect(command.options.output == .json)
    #expect(command.content.key == "/k")
    #expect(try command.content.readValue() == "v")
    let endpoints = try command.options.client.endpoints(environment: [:])
    #expect(endpoints.map(\.url) == ["http://a:1", "unix:///run/x.sock"])
    #expect(throws: (any Error).self) { try KeyValueCommand.parseAsRoot(["set", "--ttl", "-1", "/k", "v"]) }
    #expect(try KeyValueCommand.parseAsRoot(["ls", "-p", "-r"]) is KeyValueCommand.List)
    #expect(try KeyValueCommand.parseAsRoot(["get", "/k", "--output", "table"]) is KeyValueCommand.Get)
  }

  @Test func `a node is looked for by flag, environment, socket and default, in this order`() throws {
    let options = try ClientOptions.parse([])
    let environment = ["CORACLE_ENDPOINT": "http://e:1"]
    #expect(try options.endpoints(environment: environment).map(\.url) == ["http://e:1"])
    #expect(
      try options.endpoints(environment: [:], isSocket: { $0 == "/var/lib/coracle/coracle.sock" }).map(\.url)
        == ["unix:///var/lib/coracle/coracle.sock"]
    )
    #expect(try options.endpoints(environment: [:], isSocket: { _ in false }).map(\.url) == ["http://127.0.0.1:2379"])
    #expect(throws: APIClientError.self) {
      try ClientOptions.parse(["--endpoint", "ftp://x"]).endpoints(environment: environment)
    }
  }

  @Test(arguments: [
    ("5", 5_000), ("0.25", 250), ("5s", 5_000), ("1m30s", 90_000), ("250ms", 250), ("1.5s", 1_500), ("1h", 3_600_000),
  ])
  func `a time is read as Go reads it, or as seconds`(text: String, milliseconds: Int64) {
    #expect(CommandDuration(argument: text)?.duration == .milliseconds(milliseconds))
  }

  @Test(arguments: ["", "s", "5x", "-5s", "5s5", "nan", "1e99", "٥s"])
  func `what is no time is refused`(text: String) {
    #expect(CommandDuration(argument: text) == nil)
  }
}

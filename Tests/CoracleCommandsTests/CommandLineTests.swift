// SPDX-License-Identifier: Apache-2.0
import APIClients
import ArgumentParser
import CoracleDaemon
import EtcdStore
import Testing
import TransportSecurity

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
    let settings = try etcdctl("--no-sync --debug -o json --timeout 1.5s --total-timeout 1m get /k").settings
    #expect(settings.noSync && settings.debug && settings.format == .json)
    #expect(settings.timeout == .milliseconds(1_500) && settings.totalTimeout == .seconds(60))
    let files = ["ETCDCTL_CA_FILE": "ca", "ETCDCTL_CERT_FILE": "cert", "ETCDCTL_KEY_FILE": "key"]
    let security = try etcdctl("--key-file other get /k", environment: files).settings.security
    #expect(security == SecurityFiles(certificate: "cert", key: "other", trustedAuthorities: "ca"))
    let discovery = try etcdctl("get /k", environment: ["ETCDCTL_DISCOVERY_SRV": "example.com"]).settings
    #expect(discovery.discoveryDomain == "example.com" && !discovery.trustsInsecureDiscovery)
  }

  @Test func `commands without keys are known`() throws {
    #expect(try etcdctl("cluster-health -f").command == .clusterHealth(forever: true))
    #expect(try etcdctl("").command == .help(.program))
    #expect(try etcdctl("--version").command == .version)
    #expect(try etcdctl("member list").command == .members(.list))
    #expect(try etcdctl("member add n http://a:1").command == .members(.add(name: "n", peerURL: "http://a:1")))
    #expect(try etcdctl("member update 1f a,b").command == .members(.update(id: "1f", peerURLs: ["a", "b"])))
    #expect(try etcdctl("user add u:p:q").command == .users(.add("u", password: "p:q")))
    #expect(try etcdctl("user add u").command == .users(.add("u", password: nil)))
    #expect(
      try etcdctl("user grant u --roles a,b --roles c").command == .users(.grant("u", roles: ["a", "b", "c"]))
    )
    #expect(
      try etcdctl("role grant r --path /k/* --rw").command
        == .roles(.grant("r", AuthPermissions(read: ["/k/*"], write: ["/k/*"])))
    )
    #expect(
      try etcdctl("role revoke --path /k/ --write r").command
        == .roles(.revoke("r", AuthPermissions(write: ["/k/"])))
    )
    #expect(try etcdctl("auth enable").command == .authentication(enabled: true))
    #expect(
      try etcdctl("exec-watch -r --after-index 3 /k -- sh -c --x").command
        == .keys(.execWatch(key: "/k", recursive: true, afterIndex: 3, command: ["sh", "-c", "--x"]))
    )
    #expect(
      try etcdctl("exec-watch /k env").command
        == .keys(.execWatch(key: "/k", recursive: false, afterIndex: 0, command: ["env"]))
    )
  }

  @Test func `help is known everywhere`() throws {
    let member = try #require(EtcdctlTopic.program["member"])
    for line in ["member", "member --help", "member help", "help member"] {
      #expect(try etcdctl(line).command == .help(member), "\(line)")
    }
    let list = try #require(member["list"])
    for line in ["member list -h", "member help list"] { #expect(try etcdctl(line).command == .help(list), "\(line)") }
    #expect(try etcdctl("get /a --help").command == .help(try #require(EtcdctlTopic.program["get"])))
  }

  @Test(arguments: [
    ("get", "key required"), ("set --ttl 5", "key required"), ("exec-watch /k", "key and command to exec required"),
    ("exec-watch /k --", "key and command to exec required"),
  ])
  func `a missing argument is told in the words of the original`(line: String, message: String) {
    #expect(throws: EtcdctlUsageError(message: message)) { try etcdctl(line) }
  }

  @Test(arguments: [
    ("-o bogus get /k", "Unsupported output format: bogus"), ("member list x", "No arguments accepted"),
    ("member remove", "Provide a single member ID"), ("user get", "Please provide a username"),
    ("user grant u", "No roles specified; please use `--roles`"), ("role get a b", "Please provide a role name"),
    ("role grant --path a --read r", "Not canonical path; please use `--path=/a`"),
    ("role grant --path /a r", "Please specify exactly one of --read, --write or --readwrite"),
    ("backup --backup-dir b", "no data directory is given (use --data-dir)"),
  ])
  func `a wrong argument is told alone`(line: String, message: String) {
    #expect(throws: EtcdctlUsageError(message: message, form: .bare)) { try etcdctl(line) }
  }

  @Test(arguments: [
    ("--bogus get /k", "", "flag provided but not defined: -bogus"),
    ("--timeout 5 get /k", "", "invalid value \"5\" for flag -timeout: parse error"),
    ("set --ttl", "set", "flag needs an argument: -ttl"),
    ("set --ttl x /k v", "set", "invalid value \"x\" for flag -ttl: parse error"),
    ("ls -p=x", "ls", "invalid boolean value \"x\" for -p: parse error"),
  ])
  func `a wrong flag is told with the help of its command`(line: String, command: String, message: String) throws {
    let topic = command.isEmpty ? EtcdctlTopic.program : try #require(EtcdctlTopic.program[command])
    #expect(throws: EtcdctlUsageError(message: message, form: .flag(of: topic))) { try etcdctl(line) }
  }

  @Test(arguments: ["bogus", "member bogus", "help bogus"])
  func `an unknown command is told`(line: String) {
    let message = "No help topic for 'bogus'"
    #expect(throws: EtcdctlUsageError(message: message, form: .unknownCommand)) { try etcdctl(line) }
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

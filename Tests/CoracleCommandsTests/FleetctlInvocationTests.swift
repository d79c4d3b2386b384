// SPDX-License-Identifier: Apache-2.0
import APIClients
import FleetWire
import SSHTunnel
import Testing
import TransportSecurity

@testable import CoracleCommands

/// How fleetctl reads its command line.
struct FleetctlInvocationTests {
  private func read(_ line: String, _ environment: [String: String] = [:]) throws -> FleetctlInvocation {
    try FleetctlInvocation(line.split(separator: " ").map(String.init), environment: environment)
  }

  private func settings(_ line: String, _ environment: [String: String] = [:]) throws -> FleetctlSettings {
    try FleetctlSettings(read(line, environment), isSocket: { _ in false })
  }

  @Test(arguments: [
    "list-units -l --no-legend --fields=unit,hash --endpoint http://h:1",
    "-endpoint=http://h:1 list-units -full -no-legend -fields unit,hash",
    "--no-legend --endpoint http://h:1 list-units --l --fields unit,hash",
  ])
  func `flags stand anywhere, with one dash or two, as in 0.11 and 1.0`(line: String) throws {
    let invocation = try read(line)
    #expect(invocation.command == .listUnits)
    #expect(invocation.arguments.isEmpty)
    #expect(invocation.isSet("full") && invocation.isSet("no-legend"))
    #expect(invocation.value("fields") == "unit,hash")
    #expect(invocation.value("endpoint") == "http://h:1")
  }

  @Test func `a toggle may be switched off, and a number must be one`() throws {
    #expect(try !read("start --no-block=false x").isSet("no-block"))
    #expect(try read("start -block-attempts 20 a b").number("block-attempts") == 20)
    #expect(try read("start --block-attempts=20 a b").arguments == ["a", "b"])
    #expect(try read("journal -f -n 5 x").number("lines") == 5)
    #expect(try !read("list-machines").isSet("full"))
    #expect(try read("list-machines").isSet("strict-host-key-checking"))
    for line in [
      "start --block-attempts=x a", "journal --lines -1 a", "start --no-block=maybe a", "--ssh-timeout=x ssh m",
    ] {
      let failure = #expect(throws: CommandFailure.self) { try read(line) }
      #expect(failure?.status == 2)
    }
  }

  @Test(arguments: [
    ("--nonsense list-units", "Error: unknown flag: --nonsense\nRun 'fleetctl help' for usage."),
    ("list-units --replace", "Error: unknown flag: --replace\nRun 'fleetctl help list-units' for usage."),
    ("start -x=1 a", "Error: unknown flag: -x\nRun 'fleetctl help start' for usage."),
    ("list-units --fields", "Error: flag needs an argument: --fields\nRun 'fleetctl help list-units' for usage."),
    ("x", "Error: unknown command \"x\" for \"fleetctl\"\nRun 'fleetctl help' for usage."),
    (
      "list",
      "Error: unknown command \"list\" for \"fleetctl\"; it could be list-machines, list-unit-files, list-units\n"
        + "Run 'fleetctl help' for usage."
    ),
  ])
  func `what is not understood is named, with 2`(line: String, message: String) {
    #expect(throws: CommandFailure(message, status: 2)) { try read(line) }
  }

  @Test func `commands may be shortened while they are clear`() throws {
    #expect(try FleetctlCommand("list-m") == .listMachines)
    #expect(try FleetctlCommand("start") == .start)
    #expect(try FleetctlCommand("sub") == .submit)
  }

  @Test func `two dashes end the flags, and what ssh runs is left as it is`() throws {
    #expect(try read("start -- -x").arguments == ["-x"])
    #expect(try read("ssh -A m1 ls -l").arguments == ["m1", "ls", "-l"])
    #expect(try read("ssh m1 --forward-agent -- ls -l").arguments == ["m1", "ls", "-l"])
    #expect(try read("ssh m1 --forward-agent -- ls -l").isSet("forward-agent"))
    #expect(try read("ssh --unit a.service ls -l").arguments == ["ls", "-l"])
    #expect(throws: CommandFailure.self) { try read("ssh m1 -l") }
  }

  @Test func `the global flags may come from the environment, the command line wins`() throws {
    let environment = [
      "FLEETCTL_ENDPOINT": "http://e:1", "FLEETCTL_REQUEST_TIMEOUT": "1.5", "FLEETCTL_CA_FILE": "ca",
      "FLEETCTL_DEBUG": "true", "FLEETCTL_STRICT_HOST_KEY_CHECKING": "false", "FLEETCTL_TUNNEL": "h:2222",
      "FLEETCTL_SSH_USERNAME": "me", "FLEETCTL_KNOWN_HOSTS_FILE": "/k", "FLEETCTL_SSH_TIMEOUT": "3",
      "FLEETCTL_FULL": "true", "FLEETCTL_HELP": "true", "FLEETCTL_VERSION": "1.0.0",
    ]
    let settings = try settings("list-units", environment)
    #expect(settings.endpoints.map(\.url) == ["http://e:1"])
    #expect(settings.requestTimeout == .milliseconds(1_500))
    #expect(settings.security == SecurityFiles(certificate: nil, key: nil, trustedAuthorities: "ca"))
    #expect(settings.tellsRequests)
    let invocation = try read("list-units", environment)
    let connector = try SSHConnector(value: { invocation.value($0) }, directory: ".fleetctl", environment: [:])
    #expect(connector.tunnel == SSHAddress(host: "h", port: 2_222))
    #expect(connector.settings.login.username == "me")
    #expect(connector.settings.timeout == .seconds(3))
    #expect(!connector.settings.hostKeys.isStrict)
    #expect(connector.settings.hostKeys.file == "/k")
    #expect(try self.settings("--endpoint http://f:2 list-units", environment).endpoints.map(\.url) == ["http://f:2"])
    #expect(try !read("list-units", environment).isSet("full"))
    #expect(try !read("list-units", environment).isHelpWanted)
    #expect(throws: CommandFailure.self) { try read("list-units", ["FLEETCTL_REQUEST_TIMEOUT": "soon"]) }
    #expect(try self.settings("-etcd-cafile=old list-units").security.trustedAuthorities == "old")
    #expect(try read("--experimental-api list-units").command == .listUnits)
  }

  @Test func `the etcd driver has its prefix and asks a store`() throws {
    #expect(try settings("list-units").driver == .api)
    #expect(try settings("--driver=etcd list-units").driver == .store(RegistryLayout()))
    let own = try settings("--driver etcd --etcd-key-prefix /own/ list-units")
    #expect(own.driver == .store(RegistryLayout(prefix: "/own")))
    let sockets = try FleetctlSettings(read("--driver etcd list-units"), isSocket: { _ in true })
    #expect(sockets.endpoints.map(\.url) == ["unix://" + ClientOptions.controlSockets[0]])
    let message = "Unable to initialize client: unrecognized driver \"foo\": it must be API or etcd"
    #expect(throws: CommandFailure(message)) { try settings("--driver foo list-units") }
  }

  @Test func `fleet's own socket is asked first, then a control socket, then the client port`() throws {
    func asked(_ there: Set<String>) throws -> [String] {
      try FleetctlSettings(read("list-units"), isSocket: { there.contains($0) }).endpoints.map(\.url)
    }
    #expect(try asked(["/var/run/fleet.sock", "/run/coracle.sock"]) == ["unix:///var/run/fleet.sock"])
    #expect(try asked(["/run/coracle.sock"]) == ["unix:///run/coracle.sock"])
    #expect(try asked([]) == ["http://127.0.0.1:2379"])
  }

  @Test(arguments: [
    ("unix:///run/x.sock", "unix:///run/x.sock"), ("file:///run/x.sock", "unix:///run/x.sock"),
    ("/run/x.sock", "unix:///run/x.sock"), ("http://h:1/prefix", "http://h:1/prefix"), ("https://h", "https://h"),
  ])
  func `an endpoint is a URL or a socket's path`(text: String, url: String) throws {
    #expect(try settings("--endpoint \(text) list-units").endpoints.map(\.url) == [url])
  }

  @Test(arguments: [
    ("unix://var/run/fleet.sock", "unable to connect to host \"var\" with scheme \"unix\""),
    ("h:1", "URL scheme undefined: \"h:1\" must begin with http://, https:// or unix://"),
    ("ftp://h:1", "\"ftp://h:1\" is not an endpoint: the scheme must be http, https or unix"),
  ])
  func `what is no endpoint is refused as the original does`(text: String, message: String) {
    #expect(throws: CommandFailure("Unable to initialize client: \(message)")) {
      try settings("--endpoint \(text) list-units")
    }
  }

  private func run(_ line: String) async -> (status: Int32, out: String, error: String) {
    let record = RecordedOutput()
    let words = line.split(separator: " ").map(String.init)
    let status = await FleetctlPersonality.run(words, ["FLEETCTL_ENDPOINT": "http://127.0.0.1:1"], record.output)
    return (status, record.out, record.error)
  }

  @Test(arguments: ["--version", "-v", "version", "list-units --version"])
  func `the version is told without a cluster`(line: String) async {
    let result = await run(line)
    #expect(result.status == 0)
    #expect(result.out.hasPrefix("fleetctl version 1.0.0"))
  }

  @Test(arguments: ["", "help", "--help", "-h", "--h"])
  func `help is there in every form, with the version`(line: String) async {
    let result = await run(line)
    #expect(result.status == 0)
    #expect(result.out.contains("  list-unit-files  List the units"))
    #expect(result.out.contains("fleetctl version 1.0.0"))
    #expect(result.out.contains("--endpoint TEXT"))
  }

  @Test(arguments: ["help start", "start --help", "-h start"])
  func `help of a command names its flags alone`(line: String) async {
    let result = await run(line)
    #expect(result.status == 0)
    #expect(result.out.contains("fleetctl [global flags] start [flags] UNIT..."))
    #expect(result.out.contains("--block-attempts N") && !result.out.contains("--fields"))
  }

  @Test func `signatures are told to be gone`() async {
    let warning = "WARNING: The signed/verified units feature is DEPRECATED and cannot be used.\n"
    let verify = await run("verify x")
    #expect(verify.status == 2 && verify.error == warning)
    let submit = await run("submit --sign")
    #expect(submit.status == 0 && submit.error == warning + "No units given\n")
  }

  @Test func `a server that is not there is told in the words of Go's clients`() async {
    let units = await run("list-units")
    #expect(units.status == 1)
    #expect(
      units.error == "Error retrieving list of units from repository: Get http://127.0.0.1:1/fleet/v1/state: "
        + "dial tcp 127.0.0.1:1: connect: connection refused\n"
    )
    let fields = await run("list-units --fields=x")
    #expect(fields.status == 1 && fields.error == "Invalid key in output format: \"x\"\n")
    let none = await run("list-units --fields=")
    #expect(none.status == 1 && none.error == "Must define output format\n")
    let debug = await run("list-machines --debug")
    #expect(debug.error.hasPrefix("GET http://127.0.0.1:1/fleet/v1/machines\nError retrieving list of active machines"))
    let output = await run("journal --output=xml a")
    #expect(
      output.status == 2 && output.error == "Unknown output mode \"xml\"; known are short, short-iso, json, cat\n"
    )
  }
}

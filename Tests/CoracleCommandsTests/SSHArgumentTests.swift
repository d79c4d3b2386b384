// SPDX-License-Identifier: Apache-2.0
import APIClients
import ArgumentParser
import Fleet
import FleetWire
import SSHTunnel
import Testing

@testable import CoracleCommands

@Suite struct SSHTargetTests {
  private let machines = [
    FleetMachine(id: "aaaa1111" + String(repeating: "0", count: 24), primaryIP: "10.0.0.1"),
    FleetMachine(id: "aaaa2222" + String(repeating: "0", count: 24), primaryIP: "10.0.0.2"),
  ]

  private func find(_ words: [String], machine: String? = nil, unit: String? = nil) async throws -> String {
    let target = try SSHTarget(words: words, machine: machine, unit: unit)
    let found = try await target.machine(among: machines) { name in
      switch name {
      case "web.service":
        FleetUnit(name: name, options: [], desiredState: .launched, currentState: .launched, machineID: machines[1].id)
      case "aaaa1111.service":
        FleetUnit(name: name, options: [], desiredState: .launched, currentState: .launched, machineID: machines[1].id)
      case "global.service": FleetUnit(name: name, options: [], desiredState: .launched, currentState: nil)
      case "lost.service":
        FleetUnit(name: name, options: [], desiredState: .launched, currentState: .launched, machineID: "bbbb")
      default: nil
      }
    }
    return ([found.primaryIP] + target.command).joined(separator: " ")
  }

  @Test func `a machine is named by the beginning of its id, or by a unit`() async throws {
    #expect(try await find(["aaaa2"]) == "10.0.0.2")
    #expect(try await find(["AAAA2222", "ls", "-l"]) == "10.0.0.2 ls -l")
    #expect(try await find(["web", "true"]) == "10.0.0.2 true")
    #expect(try await find(["web.service"]) == "10.0.0.2")
    #expect(try await find(["ls"], machine: "aaaa1") == "10.0.0.1 ls")
    #expect(try await find(["ls", "x"], unit: "web") == "10.0.0.2 ls x")
    #expect(try await find(["--", "ls", "--", "x"], machine: "aaaa1") == "10.0.0.1 ls -- x")
    #expect(try await find(["web", "--", "-x"]) == "10.0.0.2 -x")
    #expect(try await find([], machine: "aaaa1") == "10.0.0.1")
  }

  @Test func `what names none or several is refused with the reason`() async {
    let cases: [(words: [String], machine: String?, unit: String?, reason: String)] = [
      ([], nil, nil, "one machine or unit must be provided"),
      (["--"], nil, nil, "one machine or unit must be provided"),
      (["-x"], nil, nil, "unknown option -x"), ([], "a", "b", "only one"), (["nobody"], nil, nil, "could not find"),
      ([], "cccc", nil, "could not find"), ([], nil, "nobody", "could not find"), ([""], nil, nil, "could not find"),
      (["aaaa"], nil, nil, "more than one machine"), (["aaaa1111"], nil, nil, "ambiguous"),
      (["global"], nil, nil, "no single machine"), (["lost"], nil, nil, "machine bbbb"),
    ]
    for example in cases {
      let failure = await #expect(throws: CommandFailure.self, "\(example)") {
        try await find(example.words, machine: example.machine, unit: example.unit)
      }
      #expect(failure?.message.contains(example.reason) == true, "\(example): \(failure?.message ?? "")")
    }
  }
}

@Suite struct SSHConnectorTests {
  private func connector(
    _ flags: [String: String] = [:],
    environment: [String: String] = ["HOME": "/home/me"]
  ) throws -> SSHConnector {
    try SSHConnector(value: { flags[$0] }, directory: ".coracle", environment: environment, prompts: .none)
  }

  @Test func `without flags the user is core, the hosts are those of the home, and keys are checked`() throws {
    let connector = try connector()
    #expect(connector.tunnel == nil)
    #expect(connector.settings.timeout == .seconds(10))
    #expect(connector.settings.hostKeys == HostKeyPolicy(file: "/home/me/.coracle/known_hosts"))
    #expect(
      connector.settings.login
        == LoginMethods(
          username: "core",
          agentSocket: nil,
          identityFile: nil,
          defaultFiles: ["/home/me/.ssh/id_ed25519", "/home/me/.ssh/id_ecdsa", "/home/me/.ssh/id_rsa"]
        )
    )
  }

  @Test func `flags say otherwise`() throws {
    let connector = try connector(
      [
        "tunnel": "jump:2222", "ssh-username": "me", "ssh-timeout": "2.5", "ssh-identity-file": "~/.ssh/k",
        "known-hosts-file": "/hosts", "strict-host-key-checking": "false",
      ],
      environment: ["HOME": "/h", "SSH_AUTH_SOCK": "/agent"]
    )
    #expect(connector.tunnel == SSHAddress(host: "jump", port: 2222))
    #expect(connector.settings.timeout == .milliseconds(2_500))
    #expect(connector.settings.hostKeys == HostKeyPolicy(file: "/hosts", isStrict: false))
    #expect(connector.settings.login.username == "me")
    #expect(connector.settings.login.agentSocket == "/agent")
    #expect(connector.settings.login.identityFile == "/h/.ssh/k")
  }

  @Test(arguments: ["ssh-timeout": "soon", "strict-host-key-checking": "perhaps", "tunnel": "a:b"])
  func `a wrong value is refused by name`(flag: String, value: String) {
    let error = #expect(throws: (any Error).self) { try connector([flag: value]) }
    let text = (error as? CommandFailure)?.message ?? "\(error as Any)"
    #expect(text.contains(value), "\(text)")
  }

  @Test func `an unset variable is as if it were not there`() throws {
    #expect(try connector(["tunnel": "", "known-hosts-file": ""]).tunnel == nil)
  }

  @Test func `flags stand before variables, which have the names of the flags`() throws {
    let environment = ["CORACLE_TUNNEL": "one", "CORACLE_KNOWN_HOSTS_FILE": "/hosts", "HOME": "/h"]
    let command = try #require(
      try RootCommand.parseAsRoot(["machine", "list", "--tunnel", "two"]) as? MachineCommand.List
    )
    let connector = try command.client.ssh.connector(environment: environment)
    #expect(connector.tunnel == SSHAddress(host: "two"))
    #expect(connector.settings.hostKeys.file == "/hosts")
    let invocation = try FleetctlInvocation(
      ["list-machines", "--strict-host-key-checking=false", "--tunnel=three"],
      environment: ["FLEETCTL_TUNNEL": "four", "FLEETCTL_SSH_USERNAME": "me"]
    )
    let theirs = try SSHConnector(
      value: { invocation.value($0) },
      directory: ".fleetctl",
      environment: ["HOME": "/h"]
    )
    #expect(theirs.tunnel == SSHAddress(host: "three"))
    #expect(theirs.settings.login.username == "me")
    #expect(theirs.settings.hostKeys == HostKeyPolicy(file: "/h/.fleetctl/known_hosts", isStrict: false))
  }

  @Test func `what follows the machine is the command's, options too`() throws {
    let words = ["machine", "ssh", "-A", "--ssh-port", "2222", "--tunnel", "jump", "abc", "ls", "-A", "--tunnel"]
    let command = try #require(try RootCommand.parseAsRoot(words) as? MachineCommand.SSH)
    #expect(command.ssh.words == ["abc", "ls", "-A", "--tunnel"])
    #expect(command.ssh.forwardAgent && command.ssh.sshPort == 2222 && command.ssh.client.ssh.tunnel == "jump")
  }

  @Test func `through a tunnel the other host's endpoints are asked`() throws {
    let command = try #require(try RootCommand.parseAsRoot(["machine", "list"]) as? MachineCommand.List)
    let endpoints = try command.client.endpoints(environment: [:], isTunnelled: true) { _ in true }
    #expect(endpoints.map(\.url) == ["http://127.0.0.1:2379", "unix:///run/coracle.sock"])
  }
}

@Suite struct RemoteUnitQuestionTests {
  @Test func `a machine with coracle is asked by it, another one by systemd's programs`() {
    #expect(
      RemoteUnitQuestions.commandLine(.status, "a@1.service", usesSudo: false)
        == "if command -v coracle >/dev/null 2>&1; then exec coracle unit status 'a@1.service'; "
        + "else exec systemctl status -l 'a@1.service'; fi"
    )
    #expect(
      RemoteUnitQuestions.commandLine(.journal(lines: 5, follow: true, style: .short), "a.service", usesSudo: true)
        == "if command -v coracle >/dev/null 2>&1; then exec sudo coracle unit journal 'a.service' --output short -n 5 -f; "
        + "else exec sudo journalctl --unit 'a.service' --no-pager --output short -n 5 -f; fi"
    )
  }
}

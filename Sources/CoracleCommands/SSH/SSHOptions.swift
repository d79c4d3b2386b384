// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import SSHTunnel

/// The flags for servers that are reached over SSH, each with a variable `CORACLE_…` behind it.
struct SSHOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Ask through this SSH server, which connects to the endpoint as it sees it.",
      discussion: """
        Default: CORACLE_TUNNEL. Without --endpoint it is the node on that host that is asked. The flags for SSH have \
        variables too: CORACLE_SSH_USERNAME, CORACLE_KNOWN_HOSTS_FILE and so on.
        """,
      valueName: "host[:port]"
    )
  )
  var tunnel: String?

  @Option(help: ArgumentHelp("The user at SSH servers (default: core).", valueName: "user"))
  var sshUsername: String?

  @Option(
    help: ArgumentHelp("How long an SSH server may take to answer, such as 5s (default: 10s).", valueName: "time")
  )
  var sshTimeout: String?

  @Option(
    help: ArgumentHelp(
      "A key to log in with; without it those of ssh-agent and the usual ones in ~/.ssh are tried.",
      valueName: "file"
    ),
    completion: .file()
  )
  var sshIdentityFile: String?

  @Option(
    help: ArgumentHelp("The host keys that are known (default: ~/.coracle/known_hosts).", valueName: "file"),
    completion: .file()
  )
  var knownHostsFile: String?

  @Option(
    help: ArgumentHelp("Whether servers must show a host key that is known (default: true).", valueName: "true|false"),
    completion: .list(["true", "false"])
  )
  var strictHostKeyChecking: String?

  /// What the flags say, else the variables.
  ///
  /// - Throws: `CommandFailure` naming a flag with a wrong value.
  func connector(environment: [String: String]) throws -> SSHConnector {
    let flags = [
      "tunnel": tunnel, "ssh-username": sshUsername, "ssh-timeout": sshTimeout, "ssh-identity-file": sshIdentityFile,
      "known-hosts-file": knownHostsFile, "strict-host-key-checking": strictHostKeyChecking,
    ]
    return try SSHConnector(
      value: { flags[$0].flatMap { $0 } ?? environment["CORACLE_" + SSHConnector.variable($0)] },
      directory: ".coracle",
      environment: environment
    )
  }
}

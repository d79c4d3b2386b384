// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import SSHTunnel

extension MachineCommand {
  struct SSH: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Open a shell, or run a command, on a machine.",
      discussion: SSHArguments.discussion
    )
    @OptionGroup var ssh: SSHArguments

    func run() async throws {
      if ssh.wantsHelp { throw CleanExit.helpRequest(self) }
      try await ssh.run()
    }
  }
}

extension UnitCommand {
  struct SSH: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Open a shell, or run a command, where a unit runs.",
      discussion: SSHArguments.discussion
    )
    @OptionGroup var ssh: SSHArguments

    func run() async throws {
      if ssh.wantsHelp { throw CleanExit.helpRequest(self) }
      try await ssh.run()
    }
  }
}

/// The command line of `ssh`.
struct SSHArguments: ParsableArguments {
  static let discussion = """
    A machine is named by the beginning of its id, or by a unit that it runs. What follows it is the command, options \
    too; without one a shell is opened. The exit status is the command's. Keys are those of ssh-agent and ~/.ssh; hosts \
    are looked up in ~/.coracle/known_hosts.
    """

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("The machine or unit, and a command.", valueName: "machine|unit command…")
  )
  var words: [String] = []

  @Option(help: ArgumentHelp("The machine; all words are the command then.", valueName: "id"))
  var machine: String?

  @Option(help: ArgumentHelp("The unit whose machine is meant; all words are the command then.", valueName: "name"))
  var unit: String?

  @Flag(name: [.customShort("A"), .long], help: "Let programs there use the ssh-agent of this machine.")
  var forwardAgent = false

  @Option(help: ArgumentHelp("The port of the machines' SSH servers.", valueName: "port"))
  var sshPort = SSHAddress.defaultPort

  @OptionGroup var client: ClientOptions

  /// Whether help is asked for, which is no machine's name.
  var wantsHelp: Bool { words.first == "--help" || words.first == "-h" }

  func validate() throws {
    guard !wantsHelp else { return }
    do throws(CommandFailure) {
      _ = try SSHTarget(words: words, machine: machine, unit: unit)
    } catch {
      throw ValidationError(error.message)
    }
  }

  func run() async throws {
    let target = try SSHTarget(words: words, machine: machine, unit: unit)
    let status = try await client.withClients { clients, connector, jump in
      let shell = RemoteShell(
        connector,
        jump: jump,
        port: sshPort,
        forwardsAgent: forwardAgent,
        environment: environmentVariables()
      )
      return await UnitSession(clients).ssh(target, shell)
    }
    guard status == 0 else { throw ExitCode(status) }
  }
}

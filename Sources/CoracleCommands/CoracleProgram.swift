// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import UnitRunner

/// The whole program: picks the personality and turns its outcome into an exit status.
public enum CoracleProgram {
  /// Version of this program, as `--version` prints it.
  public static let version = "0.1.0"

  /// Runs the program with its command line and ends the process.
  ///
  /// The name it was called by, or its first word, may make it `docker`, `etcdctl` or `fleetctl`.
  public static func main(_ arguments: [String]) async -> Never {
    // A reader that goes away ends a command by an error of the write, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    var words = arguments
    let calledAs = words.isEmpty ? "coracle" : words.removeFirst()
    let name = calledAs.split(separator: "/").last.map(String.init) ?? "coracle"
    if let personality = Personality(rawValue: name) {
      exit(await personality.run(words, isCalledSo: true))
    }
    if let first = words.first, let inner = InnerCommand(rawValue: first) {
      exit(await inner.run(Array(words.dropFirst())))
    }
    if let first = words.first, let personality = Personality(rawValue: first) {
      exit(await personality.run(Array(words.dropFirst()), isCalledSo: false))
    }
    exit(await runRoot(words))
  }

  private enum Personality: String {
    case docker
    case etcdctl
    case fleetctl
    case unitHost = "unit-host"

    /// - Parameters:
    ///   - arguments: The words after the program's name, or after the first word.
    ///   - isCalledSo: Whether the program itself goes by that name.
    /// - Returns: The exit status.
    func run(_ arguments: [String], isCalledSo: Bool) async -> Int32 {
      switch self {
      case .docker:
        await DockerPersonality.run(
          arguments: arguments,
          environment: environmentVariables(),
          prefersInstalled: isCalledSo
        )
      case .etcdctl: await EtcdctlPersonality.run(arguments: arguments, environment: environmentVariables())
      case .fleetctl: await FleetctlPersonality.run(arguments: arguments, environment: environmentVariables())
      case .unitHost: UnitHost.main(arguments: arguments)
      }
    }
  }

  private static func runRoot(_ arguments: [String]) async -> Int32 {
    do {
      var command = try RootCommand.parseAsRoot(arguments)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return 0
    } catch {
      return report(error)
    }
  }

  /// Prints an error where it belongs: help and versions on standard output, everything else on standard error.
  private static func report(_ error: any Error) -> Int32 {
    let code = RootCommand.exitCode(for: error)
    let message = RootCommand.fullMessage(for: error)
    if code == .success {
      CommandOutput.standard.line(message)
      return 0
    }
    if !message.isEmpty { CommandOutput.standard.errorLine(message) }
    return code == .validationFailure ? 2 : code.rawValue
  }
}

/// `coracle`: the groups of the command tree.
struct RootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coracle",
    abstract: "CoreOS in a box: a replicated store, a scheduler of units, Docker and a registrator in one program.",
    discussion: """
      Called as etcdctl or fleetctl (by a link of that name, or as `coracle etcdctl …`), it is that program;
      `coracle docker …` is docker's command line, carried out over the socket of a Docker Engine.
      Clients ask the control socket of this machine's node if there is one, else http://127.0.0.1:2379;
      --endpoint or CORACLE_ENDPOINT names another node.
      """,
    version: CoracleProgram.version,
    subcommands: [
      NodeCommand.self, KeyValueCommand.self, UnitCommand.self, MachineCommand.self, ClusterCommand.self,
      CloudConfigCommand.self,
    ]
  )
}

/// The environment of this process.
func environmentVariables() -> [String: String] {
  var variables: [String: String] = [:]
  var entry = environ
  while let text = entry.pointee {
    let line = String(cString: text)
    if let equals = line.firstIndex(of: "=") {
      variables[String(line[..<equals])] = String(line[line.index(after: equals)...])
    }
    entry += 1
  }
  return variables
}

// SPDX-License-Identifier: Apache-2.0
import APIClients
import FleetWire

/// The program as fleetctl.
///
/// Source: specs/fleet.md §8. Differs: see docs/COMPATIBILITY.md.
public enum FleetctlPersonality {
  /// What `--version` prints.
  static let versionLine = "fleetctl version \(version) (coracle \(CoracleProgram.version))"
  /// The version whose commands these are.
  static let version = "1.0.0"

  /// Runs a command line.
  ///
  /// - Parameters:
  ///   - arguments: The words after `fleetctl`.
  ///   - environment: The variables of the process.
  /// - Returns: The exit code: 0 done, 1 failed, 2 usage error; for `status` also 3, a unit is not active.
  public static func run(arguments: [String], environment: [String: String]) async -> Int32 {
    await run(arguments, environment, .standard)
  }

  static func run(
    _ arguments: [String],
    _ environment: [String: String],
    _ output: CommandOutput,
    readFile: @escaping UnitSession.FileReader = LocalFiles.text,
    sleep: @escaping UnitSession.Sleeper = { try await Task.sleep(for: $0) }
  ) async -> Int32 {
    do {
      let invocation = try FleetctlInvocation(arguments, environment: environment)
      if let status = try answerAlone(invocation, output) { return status }
      let settings = try FleetctlSettings(invocation)
      return try await FleetctlRun(
        invocation: invocation,
        settings: settings,
        environment: environment,
        output: output,
        readFile: readFile,
        sleep: sleep
      ).run()
    } catch let failure as CommandFailure {
      output.errorLine(failure.message)
      return failure.status
    } catch {
      output.errorLine("Unable to initialize client: \(error)")
      return 1
    }
  }

  /// Does what needs no cluster; nil when the command needs one.
  private static func answerAlone(
    _ invocation: FleetctlInvocation,
    _ output: CommandOutput
  ) throws(CommandFailure) -> Int32? {
    if invocation.isHelpWanted || invocation.command == nil && !invocation.isSet("version") {
      output.write(FleetctlHelp.text(invocation.command))
      return 0
    }
    if invocation.isSet("version") || invocation.command == .version {
      output.line(versionLine)
      return 0
    }
    switch invocation.command {
    case .help:
      let topic: FleetctlCommand? = if let word = invocation.arguments.first { try FleetctlCommand(word) } else { nil }
      output.write(FleetctlHelp.text(topic))
      return 0
    case .verify:
      output.errorLine(signatureWarning)
      return 2
    default:
      if invocation.isSet("sign") { output.errorLine(signatureWarning) }
      return nil
    }
  }

  private static let signatureWarning =
    "WARNING: The signed/verified units feature is DEPRECATED and cannot be used."
}

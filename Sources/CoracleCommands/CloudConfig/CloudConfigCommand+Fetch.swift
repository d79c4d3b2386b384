// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CoracleDaemon
import Glibc

extension CloudConfigCommand {
  struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the user-data that a node would boot from; exit 1 when no datasource is there.",
      discussion: """
        The user-data is on standard output as it came; where it is from and what the datasource says about the machine are \
        on standard error. Datasources are asked once; a node would wait for those that are promised.
        """
    )
    @Option(help: "As of coracle node.") var datasource: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
      do {
        try options.checkDatasource()
      } catch {
        throw ValidationError(error.message)
      }
    }

    private var options: NodeOptions {
      var options = NodeOptions()
      options.datasource =
        datasource ?? environmentVariables()["CORACLE_NODE_DATASOURCE"].flatMap { $0.isEmpty ? nil : $0 }
      return options
    }

    func run() async throws {
      let found: FetchedUserData
      do {
        found = try await FetchedUserData.find(options)
      } catch {
        CommandOutput.standard.errorLine((error as? NodeError)?.chain ?? "\(error)")
        throw ExitCode(1)
      }
      if let bytes = found.bytes { bytes.withUnsafeBytes { CommandOutput.writeAll($0, to: STDOUT_FILENO) } }
      switch output.output {
      case .table: found.lines.forEach(CommandOutput.standard.errorLine)
      case .json: CommandOutput.standard.errorLine(found.json)
      }
    }
  }
}

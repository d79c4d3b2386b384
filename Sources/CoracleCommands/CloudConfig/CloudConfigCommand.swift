// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
import CloudConfig
import EtcdWire

/// `coracle cloud-config`: what a node boots from.
public struct CloudConfigCommand: AsyncParsableCommand {
  /// The group and its verbs.
  public static let configuration = CommandConfiguration(
    commandName: "cloud-config",
    abstract: "Check what a node would boot from, show what it would find, and carry it out on this computer.",
    subcommands: [Validate.self, Fetch.self, Plan.self, Apply.self]
  )

  /// Makes the command.
  public init() {}

  struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print everything that is found in user-data; exit 1 when a node would refuse it.",
      discussion: """
        User-data is a cloud-config, a script, or a multipart message of both, each packed with gzip or not. The check is \
        about the document, not about this computer: address tokens stand for addresses of the documentation blocks.
        """
    )
    @Argument(help: "The user-data; - is standard input.", completion: .file()) var file: String
    @OptionGroup var output: OutputOptions

    func run() async throws {
      let bytes: [UInt8]?
      do throws(CommandFailure) {
        bytes = try LocalFiles.bytes(
          file == "-" ? "/dev/stdin" : file,
          maximumBytes: CloudConfigDocument.maximumBytes
        )
      } catch {
        CommandOutput.standard.errorLine(error.message)
        throw ExitCode(error.status)
      }
      guard let bytes else {
        CommandOutput.standard.errorLine("there is no cloud-config \(file)")
        throw ExitCode(1)
      }
      let document = CloudConfigDocument(
        reading: bytes,
        addresses: .placeholders,
        specifiers: .placeholders
      )
      CommandOutput.standard.write(Self.text(document, file: file == "-" ? "<stdin>" : file, output.output))
      if document.hasErrors { throw ExitCode(1) }
    }

    /// A line for each finding, or an array of objects.
    static func text(_ document: CloudConfigDocument, file: String, _ format: OutputFormat) -> String {
      switch format {
      case .table: document.report(file: file).map { $0 + "\n" }.joined()
      case .json: JSONValue.array(document.findings.map(json)).text + "\n"
      }
    }

    private static func json(_ finding: Finding) -> JSONValue {
      [
        "line": .integer(Int64(finding.mark.line)), "column": .integer(Int64(finding.mark.column)),
        "kind": .string(finding.severity.rawValue), "message": .string(finding.message),
      ]
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The forms of a listing.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  case table
  case json
}

/// The flag of every command that prints a listing.
struct OutputOptions: ParsableArguments {
  @Option(help: "Form of the output.")
  var output = OutputFormat.table
}

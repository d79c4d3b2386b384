// SPDX-License-Identifier: Apache-2.0

/// A `docker` command line, understood.
///
/// Parsing is pure: files and environment named in it are read only when the command is carried out.
/// Source: docker CLI 28.2.2, `docs/reference/commandline`; specs/docker-driver.md §3 and §5.
public struct DockerCommandLine: Sendable, Equatable {
  /// The verbs that are carried out here.
  public static let verbs = ["run", "create", "start", "stop", "kill", "rm", "pull", "inspect"]

  /// What to do.
  public let command: DockerCommand
  /// Flags that were understood and have no effect here, one sentence each.
  public let warnings: [String]

  /// Understands the words after `docker`.
  ///
  /// - Parameter arguments: The words after the program's name, already split and expanded.
  /// - Throws: ``DockerCommandLineError``, which names the word at fault.
  public init(parsing arguments: [String]) throws(DockerCommandLineError) {
    throw .missingVerb
  }

  /// Whether a word is a way to call the docker program: `docker`, `/usr/bin/docker`, `/bin/docker`, and so on.
  public static func isDocker(program: String) -> Bool {
    program == "docker" || (program.hasPrefix("/") && program.hasSuffix("/docker"))
  }
}

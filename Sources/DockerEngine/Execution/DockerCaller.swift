// SPDX-License-Identifier: Apache-2.0

/// On whose behalf a command is carried out.
public struct DockerCaller: Sendable, Equatable {
  /// The environment that `-e NAME` and `--env-file` take values from.
  public var environment: [String: String]
  /// Where relative paths begin.
  public var workingDirectory: String
  /// Labels that containers made for this caller get beside their own, for finding them again.
  public var labels: [String: String]

  /// Makes a caller.
  public init(environment: [String: String] = [:], workingDirectory: String = "/", labels: [String: String] = [:]) {
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.labels = labels
  }
}

/// How a command ended.
public struct CommandResult: Sendable, Equatable {
  /// The exit code docker's own program would have: 0 done, 125 refused, 126 and 127 for commands that cannot be
  /// executed or found, the container's own for one that ran attached, else 1.
  public var exitCode: Int32

  /// Makes a result.
  public init(exitCode: Int32) {
    self.exitCode = exitCode
  }
}

/// The container behind a foreground command, from before it is started.
public struct ForegroundContainer: Sendable, Equatable {
  /// Its id, to be kept before ``DockerEngineClient/start(_:)`` is called.
  public var id: ContainerID
  /// Whether to remove it once its exit has been recorded (`--rm`).
  public var removesOnExit: Bool
  /// How far its log has been read, or was written before this run; nil at its beginning.
  public var logCursor: LogCursor?

  /// Makes a description, such as one kept from before a restart.
  public init(id: ContainerID, removesOnExit: Bool, logCursor: LogCursor? = nil) {
    self.id = id
    self.removesOnExit = removesOnExit
    self.logCursor = logCursor
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What `unit status` shows of one unit.
public struct UnitStatus: Sendable, Equatable {
  /// The unit, its state and what kept it from starting.
  public var unit: LoadedUnit
  /// `Description=`, or the name.
  public var description: String
  /// Since when ``UnitActivity/active`` is what it is, milliseconds since the Unix epoch; nil when never changed.
  public var sinceEpochMilliseconds: Int64?
  /// The main process; nil when there is none or it is a container.
  public var mainProcessID: Int32?
  /// The container the main command runs; nil when it runs none.
  public var containerID: String?
  /// Command lines of the last start and stop, in the order they ran.
  public var commands: [CommandReport]
  /// How often `Restart=` has started it again since it was last started by request.
  public var restarts: Int
  /// What the service last said about itself (`STATUS=`); nil when nothing.
  public var statusText: String?
  /// What of its file is not carried out, a sentence each.
  public var warnings: [String]
  /// The last lines of output, oldest first.
  public var journal: [JournalEntry]

  /// Makes a status.
  public init(
    unit: LoadedUnit,
    description: String,
    sinceEpochMilliseconds: Int64?,
    mainProcessID: Int32?,
    containerID: String?,
    commands: [CommandReport],
    restarts: Int,
    statusText: String? = nil,
    warnings: [String] = [],
    journal: [JournalEntry]
  ) {
    self.unit = unit
    self.description = description
    self.sinceEpochMilliseconds = sinceEpochMilliseconds
    self.mainProcessID = mainProcessID
    self.containerID = containerID
    self.commands = commands
    self.restarts = restarts
    self.statusText = statusText
    self.warnings = warnings
    self.journal = journal
  }
}

/// One command line of a unit and how it went.
public struct CommandReport: Sendable, Equatable, Codable {
  /// Unique for each time a command is run.
  public var id: String
  /// The option it stands in: `ExecStartPre`, ….
  public var option: String
  /// The words as they were carried out, separated by blanks.
  public var line: String
  /// The process; nil when there was none.
  public var processID: Int32?
  /// The container it ran in the foreground; nil when there was none.
  public var containerID: String?
  /// When it began, milliseconds since the Unix epoch.
  public var startedEpochMilliseconds: Int64
  /// When it ended; nil while it runs.
  public var endedEpochMilliseconds: Int64?
  /// How it ended as systemd words it: `0/SUCCESS`, `1/FAILURE`, `signal KILL`; nil while it runs.
  public var end: String?

  /// Makes a report.
  public init(
    id: String,
    option: String,
    line: String,
    processID: Int32? = nil,
    containerID: String? = nil,
    startedEpochMilliseconds: Int64,
    endedEpochMilliseconds: Int64? = nil,
    end: String? = nil
  ) {
    self.id = id
    self.option = option
    self.line = line
    self.processID = processID
    self.containerID = containerID
    self.startedEpochMilliseconds = startedEpochMilliseconds
    self.endedEpochMilliseconds = endedEpochMilliseconds
    self.end = end
  }
}

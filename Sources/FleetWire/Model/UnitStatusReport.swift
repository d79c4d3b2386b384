// SPDX-License-Identifier: Apache-2.0

/// What `unit status` shows of a unit on its machine.
///
/// Units: times are milliseconds since the Unix epoch.
public struct UnitStatusReport: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// `Description=`, or the name.
  public var description: String
  /// The machine that reports.
  public var machineID: String
  /// `loaded`, ….
  public var loadState: String
  /// `active`, ….
  public var activeState: String
  /// `running`, ….
  public var subState: String
  /// Since when the active state is what it is; nil when never known.
  public var sinceEpochMilliseconds: Int64?
  /// The main process; nil when there is none.
  public var mainProcessID: Int64?
  /// The container the unit runs; nil when it runs none.
  public var containerID: String?
  /// How the last main process ended, or what it is now; nil before the first start.
  public var mainStatus: String?
  /// What the service last said about itself; nil when nothing.
  public var statusText: String?
  /// The command lines that ran, in order, with their ends.
  public var commands: [CommandStatus]
  /// What of the unit's file is not carried out, a sentence each.
  public var warnings: [String]
  /// The last lines of output, oldest first.
  public var journal: [JournalLine]

  /// One command line of the unit and how it ended.
  public struct CommandStatus: Sendable, Equatable {
    /// The option it stands in: `ExecStartPre`, `ExecStart`, ….
    public var option: String
    /// The line, expanded as it ran.
    public var line: String
    /// The process; nil when it ran without one.
    public var processID: Int64?
    /// `0/SUCCESS`, `1/FAILURE`, `signal KILL`, `running`: how it ended.
    public var status: String

    /// Makes a status.
    public init(option: String, line: String, processID: Int64? = nil, status: String) {
      self.option = option
      self.line = line
      self.processID = processID
      self.status = status
    }
  }

  /// Makes a report.
  public init(
    name: String,
    description: String,
    machineID: String,
    loadState: String,
    activeState: String,
    subState: String,
    sinceEpochMilliseconds: Int64? = nil,
    mainProcessID: Int64? = nil,
    containerID: String? = nil,
    mainStatus: String? = nil,
    statusText: String? = nil,
    commands: [CommandStatus] = [],
    warnings: [String] = [],
    journal: [JournalLine] = []
  ) {
    self.name = name
    self.description = description
    self.machineID = machineID
    self.loadState = loadState
    self.activeState = activeState
    self.subState = subState
    self.sinceEpochMilliseconds = sinceEpochMilliseconds
    self.mainProcessID = mainProcessID
    self.containerID = containerID
    self.mainStatus = mainStatus
    self.statusText = statusText
    self.commands = commands
    self.warnings = warnings
    self.journal = journal
  }
}

/// One line of a unit's output.
public struct JournalLine: Sendable, Equatable {
  /// When it was written, milliseconds since the Unix epoch.
  public var epochMilliseconds: Int64
  /// Who wrote it: the program's name, or `coracle` for what the runner says about the unit.
  public var source: String
  /// The process that wrote it; nil when unknown.
  public var processID: Int64?
  /// The text without its newline.
  public var text: String

  /// Makes a line.
  public init(epochMilliseconds: Int64, source: String, processID: Int64? = nil, text: String) {
    self.epochMilliseconds = epochMilliseconds
    self.source = source
    self.processID = processID
    self.text = text
  }
}

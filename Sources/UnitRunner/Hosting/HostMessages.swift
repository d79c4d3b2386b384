// SPDX-License-Identifier: Apache-2.0
import Units

/// What the node asks of the unit-host.
enum HostRequest: Codable, Sendable, Equatable {
  /// First of all; answered by ``HostEvent/welcome(protocolVersion:processes:)``.
  case hello(protocolVersion: Int, journalFileLimitBytes: Int)
  /// Start a process, unless one with its id was started before.
  case spawn(ProcessRequest)
  /// Look after a process that an earlier unit-host started.
  case adopt(AdoptionRequest)
  /// Send a signal.
  case signal(SignalRequest)
  /// The end of a process has been recorded and need not be told again.
  case acknowledge(id: String)
  /// Lines for a unit's journal.
  case journal(unit: String, lines: [HostedLine])
  /// The unit is gone: its control group is removed.
  case forget(unit: String)
  /// The node ends; without processes the unit-host does so too.
  case leave

  /// Raised when messages change so that an older unit-host would not understand them.
  static let protocolVersion = 2
}

/// What the unit-host tells the node.
enum HostEvent: Codable, Sendable, Equatable {
  /// Answer to hello, with everything it owns and every end not yet acknowledged.
  case welcome(protocolVersion: Int, processes: [HostedProcess])
  /// A program has been executed.
  case spawned(id: String, process: ProcessIdentity)
  /// A process has ended, or could not be started.
  case ended(id: String, end: ProcessEnd, epochMilliseconds: Int64)
  /// No process of the unit is left, in answer to the signal request with this token.
  case groupEmptied(unit: String, token: Int)
}

/// A process to be started.
struct ProcessRequest: Codable, Sendable, Equatable {
  /// Unique for each start; makes the request safe to repeat.
  var id: String
  var unit: String
  /// What its lines are labelled with in the journal.
  var source: String
  var program: String
  var words: [String]
  /// `NAME=VALUE`, sorted.
  var environment: [String]
  /// Variables that get the id of the new process itself.
  var processIDVariables: [String] = []
  var directory: String?
  var isDirectoryOptional = false
  var identity: UserIdentity?
  var settings = ProcessSettings()
}

/// Whom a process runs as.
struct UserIdentity: Codable, Sendable, Equatable {
  var userID: UInt32
  var groupID: UInt32
  var groups: [UInt32]
}

/// A process for certain: its id may be used again later, together with its start it is unique until a reboot.
struct ProcessIdentity: Codable, Sendable, Equatable {
  var processID: Int32
  /// Clock ticks since boot.
  var startTicks: UInt64
}

/// A process that an earlier unit-host started.
struct AdoptionRequest: Codable, Sendable, Equatable {
  var id: String
  var unit: String
  var source: String
  var process: ProcessIdentity
  var lineRule = OutputLineRule()
}

/// A signal to be sent.
struct SignalRequest: Codable, Sendable, Equatable {
  var unit: String
  var signal: UnixSignal
  /// The processes by their ids.
  var ids: [String]
  /// Given when every process of the unit is meant; returned with ``HostEvent/groupEmptied(unit:token:)``.
  var groupToken: Int?
}

/// A process that the unit-host owns or owned.
struct HostedProcess: Codable, Sendable, Equatable {
  var id: String
  var unit: String
  var process: ProcessIdentity
  /// Nil while it runs.
  var end: ProcessEnd?
  var endEpochMilliseconds: Int64?
}

/// A line for a unit's journal.
struct HostedLine: Codable, Sendable, Equatable {
  var epochMicroseconds: Int64
  var source: String
  var processID: Int32?
  var text: String
}

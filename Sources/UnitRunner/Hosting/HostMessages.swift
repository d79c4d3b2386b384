// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Units

/// What the node asks of the unit-host.
enum HostRequest: Codable, Sendable, Equatable {
  /// First of all; answered by ``HostEvent/welcome(protocolVersion:processes:notifications:logCursors:)``.
  ///
  /// A program from before there was `retention` kept two files of `journalFileLimitBytes` for each unit.
  case hello(
    protocolVersion: Int,
    journalFileLimitBytes: Int,
    retention: JournalRetention? = nil,
    machineID: String? = nil
  )
  /// Start a process, unless one with its id was started before.
  case spawn(ProcessRequest)
  /// Look after a process that an earlier unit-host started.
  case adopt(AdoptionRequest)
  /// Send a signal.
  case signal(SignalRequest)
  /// The end of a process has been recorded and need not be told again.
  case acknowledge(id: String)
  /// What the unit has said up to this number has been recorded and need not be told again.
  case acknowledgeNotifications(unit: String, number: Int64)
  /// Look for a unit's main process; answered by ``HostEvent/mainFound(id:process:)`` or ``HostEvent/mainMissing(id:groupIsEmpty:)``.
  case findMain(MainSearchRequest)
  /// Tell once no process of the unit is left, by ``HostEvent/groupEmptied(unit:token:)``.
  case watchGroup(unit: String, token: Int)
  /// A process is not to be looked after any more; it runs on.
  case release(id: String)
  /// Lines for a unit's journal.
  case journal(unit: String, lines: [HostedLine])
  /// Make the sockets of a socket unit, unless they are there; answered by ``HostEvent/listening(unit:)`` or
  /// ``HostEvent/listenFailed(unit:text:)``.
  case listen(ListenRequest)
  /// Tell who comes, by ``HostEvent/touched(unit:)``, once, or ``HostEvent/connected(unit:connection:)``; or do so no
  /// longer. It ends with the connection of the node.
  case watchSockets(unit: String, isOn: Bool)
  /// Drop what waits in a unit's sockets.
  case flushSockets(unit: String)
  /// Close a unit's sockets.
  case closeSockets(unit: String)
  /// Close a connection that no process was started for.
  case closeConnection(id: String)
  /// The unit is gone: its control group is removed.
  case forget(unit: String)
  /// The node ends; without processes the unit-host does so too.
  case leave

  /// Raised when messages change so that an older unit-host would not understand them.
  static let protocolVersion = 4
}

/// What the unit-host tells the node.
enum HostEvent: Codable, Sendable, Equatable {
  /// Answer to hello, with everything it owns and everything not yet acknowledged.
  ///
  /// A program from before there was `logCursors` does not say how far the logs of containers are in the journals.
  case welcome(
    protocolVersion: Int,
    processes: [HostedProcess],
    notifications: [HostedNotification],
    logCursors: [String: LogCursor]? = nil
  )
  /// A program has been executed.
  case spawned(id: String, process: ProcessIdentity)
  /// A process has ended, or could not be started.
  case ended(id: String, end: ProcessEnd, epochMilliseconds: Int64)
  /// A unit has said something about itself.
  case notified(HostedNotification)
  /// The main process that was looked for; it is owned under the search's id.
  case mainFound(id: String, process: ProcessIdentity)
  /// The main process that was looked for is not to be found.
  case mainMissing(id: String, groupIsEmpty: Bool)
  /// A main process has ended and its PID file named another one by then.
  case mainMoved(from: String, to: HostedProcess)
  /// No process of the unit is left, in answer to the request with this token.
  case groupEmptied(unit: String, token: Int)
  /// A unit's sockets are there.
  case listening(unit: String)
  /// A unit's sockets cannot be made.
  case listenFailed(unit: String, text: String)
  /// Somebody has come to a unit's sockets; it is told once.
  case touched(unit: String)
  /// A connection has been accepted and is held until a process is started with it.
  case connected(unit: String, connection: SocketConnection)
}

/// The sockets of a socket unit.
struct ListenRequest: Codable, Sendable, Equatable {
  var unit: String
  var listeners: [SocketListener]
  var settings: SocketDefinition.Settings
  /// Whom files belong to; nil for the unit-host's own.
  var userID: UInt32?
  var groupID: UInt32?
  /// Whether connections are accepted for processes of their own.
  var accepts: Bool
  /// Connections that the node knows; of others that are held it is told again.
  var connections: [String]

  /// Whether it is about the same sockets.
  func isSame(as other: ListenRequest) -> Bool {
    var one = self
    one.connections = other.connections
    return one == other
  }
}

/// Sockets that a process gets.
struct SocketPassing: Codable, Sendable, Equatable {
  /// The socket units whose sockets they are, in order.
  var units: [String] = []
  /// A connection instead.
  var connection: String?
  /// Whether it is standard input or output and not one of those from 3 on.
  var isStream = false
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
  /// Where the unit's processes tell about themselves; nil for nowhere.
  var notifySocket: String?
  /// The run of the unit, for the journal.
  var invocation: String?
  var sockets: SocketPassing?
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
  var notifySocket: String?
  /// Where the unit says which process is its main one, for a main process.
  var pidFile: String?
  /// The run of the unit, for the journal.
  var invocation: String?
}

/// A main process to be looked for.
struct MainSearchRequest: Codable, Sendable, Equatable {
  /// What the process is known by once it is found; makes the request safe to repeat.
  var id: String
  var unit: String
  var search: MainSearch
  /// Nil for a guess.
  var pidFile: String?
}

/// Something that a unit has said about itself.
struct HostedNotification: Codable, Sendable, Equatable {
  var unit: String
  /// The socket it came by, a new one for each run.
  var socket: String
  /// Grows from one to the next, over restarts of the unit-host too.
  var number: Int64
  /// 0 when the kernel could not tell.
  var senderID: Int32
  var text: String
  /// The process of the unit that `MAINPID=` names, owned from now on.
  var main: HostedProcess?
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
  /// Whether it was found among the unit's processes, not started on request.
  var isFound = false
  /// The process in whose place it came, if any.
  var replaces: String?
}

/// A line for a unit's journal.
struct HostedLine: Codable, Sendable, Equatable {
  var epochMicroseconds: Int64
  var source: String
  var processID: Int32?
  var text: String
  /// 0 (emerg) to 7 (debug); nil is 6.
  var level: Int?
  /// Nil is told by the source.
  var stream: JournalRecord.Stream?
  /// The run of the unit.
  var invocation: String?
  /// Where in a container's log it stands.
  var origin: LogOrigin?

  /// How much of lines goes into one message, in bytes of text; JSON may make six times as much of it.
  static let pieceBytes = 1 << 20
  /// What a line takes beside its text, in bytes and no less than that.
  private static let overheadBytes = 512

  /// Lines in pieces, each of which fits into a message.
  static func pieces(_ lines: [HostedLine]) -> [ArraySlice<HostedLine>] {
    var pieces: [ArraySlice<HostedLine>] = []
    var start = lines.startIndex
    var bytes = 0
    for (index, line) in lines.enumerated() {
      let size = line.text.utf8.count + overheadBytes
      if bytes + size > pieceBytes, index > start {
        pieces.append(lines[start..<index])
        (start, bytes) = (index, 0)
      }
      bytes += size
    }
    if start < lines.endIndex { pieces.append(lines[start...]) }
    return pieces
  }
}

/// The place of a line in a container's log.
struct LogOrigin: Codable, Sendable, Equatable {
  var container: String
  var stream: OutputStream
  var place: LogCursor.Place
}

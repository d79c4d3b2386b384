// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import FoundationEssentials
import Glibc
import Units

/// Everything about a unit that outlives the node's process.
struct UnitRecord: Codable, Sendable {
  var name: String
  var file: String
  /// The boot it is about; processes and containers of another boot are gone.
  var bootID: String
  var snapshot = UnitLifecycle.Snapshot()
  /// The state of a unit that is no service.
  var passive: PassiveSnapshot?
  var isStartRequested = false
  var isStartWaiting = false
  /// Whether its start was refused for something that is not on this machine, and is made good when that comes.
  var isWaitingForOthers: Bool?
  var problem: String?
  /// Identifies the run since the last start; part of the ids of its commands.
  var invocation = ""
  var commandCount = 0
  var running: [RunningCommand] = []
  var reports: [CommandReport] = []
  var activeSinceEpochMilliseconds: Int64?
  /// The search for the main process that goes on; it becomes the id of the command once it is found.
  var searchID: String?
  /// The last thing the unit said that is on record here.
  var notificationNumber: Int64?
  /// The connection that the unit was made for, which is forgotten once it is down.
  var connection: UnitConnection?
  /// Of a socket: instances that were made for connections and are down, the oldest first.
  var endedInstances: [String]?
}

/// The connection of an instance.
struct UnitConnection: Codable, Sendable, Equatable {
  var connection: SocketConnection
  /// The socket unit that it came to.
  var socket: String
}

/// A command that was begun and whose end is not known yet.
struct RunningCommand: Codable, Sendable, Equatable {
  /// Where it is carried out.
  enum Carrier: Codable, Sendable, Equatable {
    /// A process of the unit-host; nil until its program has been executed.
    case process(ProcessIdentity?)
    /// A container in the foreground; nil until it has been made.
    case container(RecordedContainer?)
    /// A docker command that is over when the engine has answered.
    case engineCommand
  }

  var id: String
  var position: CommandPosition
  var role: CommandRole
  var source: String
  var carrier: Carrier
  /// The signal to be sent once the container has been started.
  var signalWhenStarted: UnixSignal?
  /// What the container is labelled with, so that it is found when nobody could note its id; kept when the command is begun
  /// again under another id.
  var containerKey: String?
}

/// A container of a unit, known before it is started.
struct RecordedContainer: Codable, Sendable, Equatable {
  var id: String
  var removesOnExit: Bool
  var isStarted = false
  /// Whether it had run before its unit started it.
  var hasRunBefore: Bool?
  /// How far its output is in the journal.
  var logCursor: LogCursor?
  /// The same as programs from before there were cursors put it: nanoseconds since the Unix epoch.
  var logPositionNanoseconds: Int64?

  init(_ container: ForegroundContainer) {
    id = container.id.rawValue
    removesOnExit = container.removesOnExit
    hasRunBefore = container.logCursor != nil
    logCursor = container.logCursor
  }

  var foreground: ForegroundContainer {
    let former = logPositionNanoseconds.map { LogCursor(behind: LogPosition(nanosecondsSinceEpoch: $0)) }
    return ForegroundContainer(id: ContainerID(id), removesOnExit: removesOnExit, logCursor: logCursor ?? former)
  }
}

/// The records' files, one for each unit, replaced as a whole.
///
/// They are not synced: they have to outlive this process and not a loss of power, after which nothing of what they
/// tell exists any more.
struct UnitRecords {
  /// The longest record, in bytes.
  static let limitBytes = 16 << 20

  let directory: String

  init(stateDirectory: String) {
    directory = "\(stateDirectory)/records"
  }

  /// Every record that can be read, by name.
  func readAll() -> [UnitRecord] {
    directoryEntries(directory).sorted().compactMap { name in
      guard name.hasSuffix(".json"), let bytes = readFile("\(directory)/\(name)", limitBytes: Self.limitBytes)
      else { return nil }
      return try? JSONDecoder().decode(UnitRecord.self, from: Data(bytes))
    }
  }

  /// Writes a unit's record.
  ///
  /// - Throws: ``UnitRunnerError/Code/storage``.
  func write(_ record: UnitRecord) throws(UnitRunnerError) {
    let path = path(record.name)
    guard let data = try? JSONEncoder().encode(record) else {
      throw UnitRunnerError(.storage, "cannot encode the record of \(record.name)")
    }
    let descriptor = open("\(path).new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw UnitRunnerError(.storage, "cannot write \(path).new: \(errorText(errno))")
    }
    let written = data.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    let error = errno
    close(descriptor)
    guard written == data.count, rename("\(path).new", path) == 0 else {
      throw UnitRunnerError(.storage, "cannot write \(path): \(errorText(written < 0 ? error : ENOSPC))")
    }
  }

  /// Removes a unit's record.
  func remove(_ name: String) {
    _ = unlink(path(name))
  }

  private func path(_ name: String) -> String { "\(directory)/\(name).json" }
}
